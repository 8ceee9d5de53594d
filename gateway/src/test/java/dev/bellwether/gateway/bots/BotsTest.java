package dev.bellwether.gateway.bots;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.policy.engine.ModelLimits;
import dev.bellwether.policy.engine.Precision;
import java.io.IOException;
import java.util.Optional;
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

    @Test
    void recordsTokensOnlyWhereABotAsksForIt() throws IOException {
        Bots bots = Bots.parse("bots: {a: {champion: v1}, b: {champion: v1, serving: {record_tokens: true}}}");
        assertThat(bots.find("a").orElseThrow().serving().recordTokens()).isFalse();
        assertThat(bots.find("b").orElseThrow().serving().recordTokens()).isTrue();
    }

    @Test
    void limitsAModel() throws IOException {
        ModelLimits limits =
                Bots.parse("""
                        bots:
                          support:
                            champion: v1
                            serving: {context_max: 2048, memory_max: 512MB, threads: 2, precision: int4, device: cpu}
                        """).find("support").orElseThrow().serving().limits();
        assertThat(limits)
                .isEqualTo(new ModelLimits(Optional.of(2048), 512L << 20, 2, Optional.of(Precision.INT4), "cpu"));
        assertThatThrownBy(() -> Bots.parse("bots: {support: {champion: v1, serving: {memory_max: much}}}"))
                .hasMessageContaining("512MB");
        assertThatThrownBy(() -> Bots.parse("bots: {support: {champion: v1, serving: {context_max: 8}}}"))
                .hasMessageContaining("context_max");
        assertThatThrownBy(() -> Bots.parse("bots: {support: {champion: v1, serving: {precision: half}}}"))
                .hasMessageContaining("float32, float16, int8 or int4");
        assertThatThrownBy(() -> Bots.parse("bots: {support: {champion: v1, serving: {device: gpu}}}"))
                .hasMessageContaining("device is auto, cpu or cuda:N");
    }
}
