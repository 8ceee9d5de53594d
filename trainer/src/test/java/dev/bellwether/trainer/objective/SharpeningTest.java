package dev.bellwether.trainer.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.objective.Rollouts.Rollout;
import dev.bellwether.trainer.reward.RewardModel;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SharpeningTest {
    private static final PpoConfig SETTINGS = PpoConfig.DEFAULT.with(1, 1, 1, 6, 1);
    private static final List<int[]> PROMPTS =
            IntStream.range(0, 24).mapToObj(i -> new int[] {3, 50 + i, 80}).toList();

    private final Checkpoint policy = Checkpoint.open(Path.of("../policy/src/test/resources/reference/llama-tied"));
    private final CheckpointConfig heads = policy.config().asRewardModel(2, Pooling.MEAN);
    private final List<Map<String, Double>> heard = new ArrayList<>();

    private double sharpen(Weights base, Weights actor, double divergenceMax) {
        try (Transformer model = new Transformer(policy.config());
                RewardModel reward = new RewardModel(heads, base.trainable(heads, Optional.empty(), 7), 1_000)) {
            List<Rollout> before = new Rollouts(policy).sample(base, PROMPTS, Sampling.at(1, 6, 9));
            reward.calibrate(before.stream().map(Rollout::sample).toList());
            return new Sharpening(model, base, reward, new Rollouts(policy), PROMPTS, SETTINGS, 1)
                    .sharpen(actor, divergenceMax, (_, metrics) -> heard.add(metrics));
        }
    }

    private float[] logProbabilities(Weights weights, double temperature) {
        try (Transformer model = new Transformer(policy.config())) {
            Sample sample = Sample.of(PROMPTS.getFirst(), new int[] {60, 61, 62, 63});
            return model.logProbabilities(weights, MicroBatch.of(List.of(sample)), temperature);
        }
    }

    @Test
    void takesTheFactorWhoseRepliesAreWorthMostAndDividesTheTemperatureByIt() {
        try (Weights base = Weights.of(policy, ComputeDevice.CPU);
                Weights actor = base.trainable(policy.config(), Optional.empty(), 1)) {
            double factor = sharpen(base, actor, 100);
            assertThat(heard).hasSizeGreaterThan(2);
            assertThat(heard.stream()
                            .filter(each -> each.getOrDefault("response/distinct", 0.0) >= .75)
                            .max(Comparator.comparing(each -> each.get("objective/worth")))
                            .orElseThrow())
                    .containsEntry("factor", factor);
            assertThat(factor).isGreaterThan(1);
            assertThat(logProbabilities(actor, 1)).containsExactly(logProbabilities(base, 1 / factor), within(1e-3f));
            float[] once = actor.toArray();
            try (Weights again = base.trainable(policy.config(), Optional.empty(), 1)) {
                assertThat(sharpen(base, again, 100)).isEqualTo(factor);
                assertThat(again.toArray()).isEqualTo(once);
            }
        }
    }

    @Test
    void leavesAPolicyAsItIsThatMayGoNoFurther() {
        try (Weights base = Weights.of(policy, ComputeDevice.CPU);
                Weights actor = base.trainable(policy.config(), Optional.empty(), 1)) {
            assertThat(sharpen(base, actor, -100)).isEqualTo(1);
            assertThat(actor.toArray()).isEqualTo(base.toArray());
        }
    }

    @Test
    void countsDifferentRepliesToEachPrompt() {
        int[][] replies = {{7}, {7}, {8}, {9}, {7}, {7}, {7}, {7}};
        List<Rollout> rollouts = IntStream.range(0, replies.length)
                .mapToObj(i -> new Rollout(Sample.of(new int[] {1 + i / 4}, replies[i]), new float[1], true))
                .toList();
        assertThat(Sharpening.distinct(rollouts)).isEqualTo((.75 + .25) / 2);
    }
}
