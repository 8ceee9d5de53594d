package dev.bellwether.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.trainer.ProcessMemory;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A thousand steps leave memory as two hundred do. */
class TrainingMemoryTest {
    private static final Path CHECKPOINT = Path.of("../policy/src/test/resources/reference/qwen2-biases");
    private static final MicroBatch BATCH =
            MicroBatch.of(List.of(new Sample(new int[] {4, 5, 6, 7, 8}, 2), new Sample(new int[] {9, 10, 11}, 1)));
    private static final int WARM = 100;

    /** {@code -Dsteps} says how many. */
    @ParameterizedTest
    @CsvSource({"false, 1000000000", "true, 0"})
    void staysLevelOverHundredsOfSteps(boolean adapters, long keptBytesMax) throws IOException {
        int steps = Integer.getInteger("steps", 300);
        Checkpoint checkpoint = Checkpoint.open(CHECKPOINT);
        Optional<LoraConfig> lora = adapters ? Optional.of(LoraConfig.DEFAULT) : Optional.empty();
        try (Weights base = Weights.of(checkpoint, ComputeDevice.CPU);
                Weights weights = base.trainable(checkpoint.config(), lora, 1);
                Parameters parameters = new Parameters(weights, Parameters.AdamW.FINE_TUNING);
                Transformer model = new Transformer(checkpoint.config(), keptBytesMax)) {
            ProcessMemory warm = ProcessMemory.now();
            for (int step = 0; step < steps; step++) {
                boolean collect = step % 100 == 0;
                model.backward(weights, BATCH, 1, (logProbabilities, _, _) -> {
                    if (collect) {
                        System.gc();
                    }
                    return logProbabilities.mean().neg();
                });
                parameters.update(1e-3);
                if (step % 20 == 0) {
                    model.logProbabilities(weights, BATCH, 1);
                }
                if (step == WARM) {
                    warm = ProcessMemory.now();
                }
            }
            ProcessMemory.now().assertLevelSince(warm, 0);
        }
    }

    /** Longer and shorter batches in turn find what is the same for all of them, and it stays right. */
    @Test
    void keepsNoMoreForManyLengthsThanForTheLongest() throws IOException {
        Checkpoint checkpoint = Checkpoint.open(CHECKPOINT);
        int longest = 60;
        try (Weights weights = Weights.of(checkpoint, ComputeDevice.CPU);
                Transformer model = new Transformer(checkpoint.config())) {
            float[] alone = model.logProbabilities(weights, batch(3), 1);
            float[] all = model.logProbabilities(weights, batch(longest), 1);
            ProcessMemory warm = ProcessMemory.now();
            for (int length = longest; length > 2; length--) {
                float[] found = model.logProbabilities(weights, batch(length), 1);
                assertThat(found).containsExactly(Arrays.copyOf(all, length - 1), within(1e-5f));
            }
            assertThat(model.logProbabilities(weights, batch(3), 1)).containsExactly(alone);
            ProcessMemory.now().assertLevelSince(warm, 0);
        }
    }

    private static MicroBatch batch(int length) {
        int[] ids = IntStream.range(0, length).map(i -> 4 + i % 20).toArray();
        return MicroBatch.of(List.of(new Sample(ids, 1)));
    }
}
