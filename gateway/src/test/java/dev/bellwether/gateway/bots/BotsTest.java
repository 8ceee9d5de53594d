package dev.bellwether.gateway.bots;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BotsTest {
    @Test
    void aBotNeedsNothingButAChampion() throws IOException {
        Bots bots = Bots.parse("bots: {support: {champion: v1}}");

        assertThat(bots.find("support").orElseThrow().champion()).isEqualTo("v1");
        assertThat(bots.find("support").orElseThrow().chat().page()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"bots: {support: {champion: }}", "bots: {support: {champion: ''}}", "bots: {support: }"})
    void namesTheBotWithoutAChampion(String yaml) {
        assertThatThrownBy(() -> Bots.parse(yaml)).hasMessageContaining("'support' needs a `champion`");
    }

    @ParameterizedTest
    @ValueSource(strings = {"bots: ", "bots: {}"})
    void refusesAFileWithoutBots(String yaml) {
        assertThatThrownBy(() -> Bots.parse(yaml)).hasMessageContaining("names no bot");
    }

    @Test
    void refusesAnUnknownSetting() {
        assertThatThrownBy(() -> Bots.parse("bots: {support: {champion: v1, chat: {colour: red}}}"))
                .hasMessageContaining("colour");
    }
}
