package dev.bellwether.trainer.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.engine.BulkGeneration;
import dev.bellwether.policy.engine.Completion;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.ServedWeights;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.objective.Rollouts.Rollout;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RolloutsTest {
    @TempDir
    private Path directory = Path.of("");

    private static Rollout rollout(int prompt, int reply) {
        return new Rollout(Sample.of(new int[] {prompt}, new int[] {reply, 0}), new float[2], true);
    }

    /** What an engine on a GPU reads becomes what the weights have become, in the memory that it knows. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void servedWeightsFollowTheTrainedOnes(boolean adapters) {
        Checkpoint policy = Checkpoint.open(Path.of("../default-policy/artefact"));
        Optional<LoraConfig> lora = adapters ? Optional.of(LoraConfig.DEFAULT) : Optional.empty();
        String up = "model.layers.0.mlp.up_proj.weight";
        List<String> projections = List.of(
                "model.layers.1.self_attn.q_proj.weight",
                "model.layers.1.self_attn.k_proj.weight",
                "model.layers.1.self_attn.v_proj.weight");
        try (Weights base = Weights.of(policy, ComputeDevice.CPU);
                Weights weights = base.trainable(policy.config(), lora, 1);
                ServedWeights served = new ServedWeights(weights);
                PointerScope _ = new PointerScope()) {
            MemorySegment first = served.tensor(up, NumberFormat.F16);
            MemorySegment second = served.transposed(projections, NumberFormat.F32);
            byte[] before = second.toArray(ValueLayout.JAVA_BYTE);
            try (NoGradGuard _ = new NoGradGuard()) {
                weights.vector().add_(new Scalar(.01));
            }
            served.update();
            assertThat(second.toArray(ValueLayout.JAVA_BYTE)).isNotEqualTo(before);
            try (ServedWeights anew = new ServedWeights(weights)) {
                assertThat(first.mismatch(anew.tensor(up, NumberFormat.F16))).isEqualTo(-1);
                assertThat(second.mismatch(anew.transposed(projections, NumberFormat.F32)))
                        .isEqualTo(-1);
            }
        }
    }

    /** With all weights, and with adapters that have learned something. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void areThoseOfTheSameWeightsInAFile(boolean adapters) throws IOException {
        Checkpoint policy = Checkpoint.open(Path.of("../default-policy/artefact"));
        Optional<LoraConfig> lora = adapters ? Optional.of(LoraConfig.DEFAULT) : Optional.empty();
        List<int[]> prompts = List.of(new int[] {3, 70, 80, 90}, new int[] {3, 100}, new int[] {3, 200, 201, 202, 203});
        Sampling sampling = Sampling.at(.7, 12, 5);
        MicroBatch batch = MicroBatch.of(List.of(new Sample(new int[] {3, 70, 80, 90, 500, 600}, 4)));
        try (Weights base = Weights.of(policy, ComputeDevice.CPU);
                Weights weights = base.trainable(policy.config(), lora, 1);
                Parameters parameters = new Parameters(weights, Parameters.AdamW.PPO);
                Transformer model = new Transformer(policy.config())) {
            model.backward(weights, batch, 1, (logProbabilities, _, _) -> logProbabilities.sum());
            parameters.update(1e-3);
            model.backward(weights, batch, 1, (logProbabilities, _, _) -> logProbabilities.sum());
            parameters.update(1e-3);
            weights.write(directory, policy.config(), NumberFormat.F32);
            List<Rollout> found = new Rollouts(policy).sample(weights, prompts, sampling);
            List<Completion> filed =
                    BulkGeneration.generate(Checkpoint.open(directory), prompts, sampling, Duration.ofMinutes(1));
            for (int i = 0; i < found.size(); i++) {
                assertThat(found.get(i).sample().reply()).isEqualTo(filed.get(i).sampled());
                assertThat(found.get(i).logProbabilities())
                        .containsExactly(filed.get(i).logProbabilities(), within(1e-4f));
            }
        }
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
        assertThat(config.exceededBy(Map.of("objective/kl", config.bounds().kl(), "response/distinct", 1.0)))
                .isFalse();
        assertThat(config.exceededBy(Map.of("objective/kl", config.bounds().kl() + .1, "response/distinct", 1.0)))
                .isTrue();
        assertThat(config.exceededBy(Map.of(
                        "objective/kl",
                        1.0,
                        "response/distinct",
                        config.bounds().distinct() - .01)))
                .isTrue();
    }
}
