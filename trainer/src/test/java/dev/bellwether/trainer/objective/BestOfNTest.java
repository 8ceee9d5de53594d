package dev.bellwether.trainer.objective;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.objective.Rollouts.Rollout;
import dev.bellwether.trainer.reward.RewardModel;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BestOfNTest {
    private static final PpoConfig SETTINGS = PpoConfig.DEFAULT.with(1, 1, 1, 6, 1);
    private static final List<int[]> PROMPTS =
            IntStream.range(0, 24).mapToObj(i -> new int[] {3, 50 + i, 80}).toList();

    private final Checkpoint policy = Checkpoint.open(Path.of("../policy/src/test/resources/reference/llama-tied"));
    private final CheckpointConfig heads = policy.config().asRewardModel(2, Pooling.MEAN);
    private final List<Map<String, Double>> heard = new ArrayList<>();

    /** Trains; gives the weights. */
    private float[] train(Weights base, Optional<LoraConfig> lora, RewardModel reward) {
        try (Weights actor = base.trainable(policy.config(), lora, 1);
                Transformer model = new Transformer(policy.config())) {
            new BestOfN(model, new Rollouts(policy), reward, PROMPTS, SETTINGS, new BestOfN.Config(3, 24, 8), 3e-2, 1)
                    .train(actor, (_, metrics) -> heard.add(metrics));
            return actor.toArray();
        }
    }

    private static double number(Map<String, Double> metrics, String name) {
        return metrics.getOrDefault("objective/" + name, Double.NaN);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void makesThePolicySayWhatIsWorthMoreEachRound(boolean adapters) {
        Optional<LoraConfig> lora = adapters ? Optional.of(LoraConfig.DEFAULT) : Optional.empty();
        try (Weights base = Weights.of(policy, ComputeDevice.CPU);
                RewardModel reward = new RewardModel(heads, base.trainable(heads, Optional.empty(), 7), 1_000)) {
            List<Rollout> before = new Rollouts(policy).sample(base, PROMPTS, Sampling.at(1, 6, 9));
            reward.calibrate(before.stream().map(Rollout::sample).toList());
            float[] once = train(base, lora, reward);
            List<Map<String, Double>> first = List.copyOf(heard);
            assertThat(first).hasSize(3);
            first.forEach(each -> assertThat(number(each, "best")).isGreaterThan(number(each, "scores") + .5));
            assertThat(number(first.getLast(), "scores")).isGreaterThan(number(first.getFirst(), "scores") + .3);
            assertThat(train(base, lora, reward)).isEqualTo(once);
        }
    }
}
