package dev.bellwether.trainer.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class ServeCommandTest {
    private RefreshConfig read(String sections) throws IOException {
        String file = "bots:\n  support:\n    champion: default\n" + sections;
        return Objects.requireNonNull(ServeCommand.read(file).get("support")).config();
    }

    @Test
    void samplesRolloutsAsTheBotReplies() throws IOException {
        RefreshConfig config =
                read("    chat: {temperature: 0.5, top_p: 0.9, completion_tokens_max: 40, page: true}\n");
        assertThat(config.temperature()).isEqualTo(.5);
        assertThat(config.topP()).isEqualTo(.9);
        assertThat(config.completionTokensMax()).isEqualTo(40);
    }

    @Test
    void letsTheSectionRefreshSayOtherwise() throws IOException {
        RefreshConfig config = read("    chat: {temperature: 0.5}\n    refresh: {temperature: 0.9, judgements: 7}\n");
        assertThat(config.temperature()).isEqualTo(.9);
        assertThat(config.judgements()).isEqualTo(7);
    }

    @Test
    void startsRewardModelsOfUpstreamsFromTheVersionThatIsNamed() throws IOException {
        assertThat(read("    refresh: {reward_base: small}\n").rewardBase()).isEqualTo("small");
        assertThat(read("    refresh: {judgements: 7}\n").rewardBase()).isEqualTo("default");
    }

    @Test
    void refusesASettingThatItDoesNotKnow() {
        assertThatThrownBy(() -> read("    refresh: {judgments: 7}\n")).hasMessageContaining("judgments");
    }
}
