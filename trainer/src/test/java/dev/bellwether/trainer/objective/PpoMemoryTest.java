package dev.bellwether.trainer.objective;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.trainer.ProcessMemory;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.objective.Rollouts.Rollout;
import dev.bellwether.trainer.reward.RewardModel;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Steps of PPO and RLOO, the engine's sessions for their rollouts included, leave memory as it was. */
class PpoMemoryTest {
    private static final List<int[]> PROMPTS =
            IntStream.range(0, 24).mapToObj(i -> new int[] {3, 50 + i, 80}).toList();
    private static final int TOKENS = 6;
    private static final int WARM = 5;

    /** Two tables of rotations each time that a batch is longer than a power of two that none was before. */
    private static final int KEPT = 4;

    /** {@code -Dsteps} says how many. */
    @ParameterizedTest
    @CsvSource({"PPO, true", "RLOO, false"})
    void staysLevelStepAfterStep(Objective objective, boolean adapters) throws IOException {
        Checkpoint policy = Checkpoint.open(Path.of("../policy/src/test/resources/reference/qwen2-biases"));
        CheckpointConfig config = policy.config();
        CheckpointConfig heads = config.asRewardModel(2, Pooling.MEAN);
        Optional<LoraConfig> lora = adapters ? Optional.of(LoraConfig.DEFAULT) : Optional.empty();
        int steps = Integer.getInteger("steps", 30);
        PpoConfig settings = PpoConfig.DEFAULT.with(steps, 16, 1, TOKENS, 20);
        try (Rollouts rollouts = new Rollouts(policy);
                Weights base = Weights.of(policy, ComputeDevice.CPU);
                RewardModel reward = new RewardModel(heads, base.trainable(heads, lora, 7), 1_000)) {
            Phrases preferred = Phrases.of(rollouts.sample(base, PROMPTS, Sampling.at(1, TOKENS, 9)).stream()
                    .map(Rollout::sample)
                    .toList());
            Phrases.Usual usual = new Phrases.Usual(preferred, preferred, preferred);
            Ppo.Models models = new Ppo.Models(config, base.trainable(config, lora, 1), base, reward, usual);
            try (PolicyTraining training = objective == Objective.PPO
                    ? Ppo.withCritic(models, rollouts, PROMPTS, settings, 1)
                    : Ppo.leavingOneOut(models, rollouts, PROMPTS, settings, 1)) {
                ProcessMemory warm = ProcessMemory.now();
                for (int step = 0; step < steps; step++) {
                    training.step(step);
                    if (step == WARM) {
                        warm = ProcessMemory.now();
                    }
                }
                ProcessMemory.now().assertLevelSince(warm, KEPT);
            }
        }
    }
}
