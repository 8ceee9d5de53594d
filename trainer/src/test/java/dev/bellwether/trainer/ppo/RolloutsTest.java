package dev.bellwether.trainer.ppo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.ppo.Rollouts.Rollout;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RolloutsTest {
    private static Rollout rollout(int prompt, int reply) {
        return new Rollout(Sample.of(new int[] {prompt}, new int[] {reply, 0}), new float[2], true);
    }

    @Test
    void countsDifferentRepliesForEachDifferentPrompt() {
        assertThat(Rollouts.distinct(List.of(rollout(1, 7), rollout(2, 8), rollout(2, 9))))
                .isEqualTo(1.5);
        assertThat(Rollouts.distinct(
                        List.of(rollout(1, 7), rollout(2, 7), rollout(3, 7), rollout(4, 7), rollout(4, 7))))
                .isEqualTo(.25);
    }

    @Test
    void endsTrainingWhenThePolicyStraysOrSaysTheSameToEverything() {
        PpoConfig config = PpoConfig.DEFAULT;
        assertThat(config.exceededBy(Map.of("objective/kl", config.klStop(), "response/distinct", 1.0)))
                .isFalse();
        assertThat(config.exceededBy(Map.of("objective/kl", config.klStop() + .1, "response/distinct", 1.0)))
                .isTrue();
        assertThat(config.exceededBy(Map.of("objective/kl", 1.0, "response/distinct", config.distinctMin() - .01)))
                .isTrue();
    }
}
