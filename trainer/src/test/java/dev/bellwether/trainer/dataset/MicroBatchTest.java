package dev.bellwether.trainer.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.trainer.tensor.ComputeDevice;
import dev.bellwether.trainer.tensor.Torch;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.Test;

class MicroBatchTest {
    private static final Sample THREE = new Sample(new int[] {1, 2, 3, 4}, 1);
    private static final Sample TWO = new Sample(new int[] {9, 2, 3}, 1);

    @Test
    void keepsEveryReplyToItselfInItsMeanSoFar() {
        try (PointerScope _ = new PointerScope()) {
            MicroBatch batch = MicroBatch.pack(List.of(THREE, TWO), 64).getFirst();
            float[] means = Torch.toArray(batch.meanSoFar(ComputeDevice.CPU)
                    .matmul(Torch.floats(ComputeDevice.CPU, new float[] {2, 4, 10, 20, 60}, 5, 1)));
            assertThat(batch.index(0)).as("the shortest comes first").isEqualTo(1);
            assertThat(means).containsExactly(new float[] {2, 3, 10, 15, 30}, within(1e-4f));
        }
    }

    @Test
    void leavesSamplesTogetherOnlyWhileTheyFit() {
        assertThat(MicroBatch.pack(List.of(THREE, TWO, THREE), 22))
                .extracting(MicroBatch::size)
                .containsExactly(2, 1);
    }

    @Test
    void keepsGroupsInOneBatchByTheirLongestSample() {
        List<MicroBatch> batches = MicroBatch.packTogether(
                List.of(THREE, TWO, TWO, TWO), List.of(List.of(0, 1), List.of(2), List.of(3)), 22);
        assertThat(batches).hasSize(2);
        assertThat(List.of(batches.get(0).index(0), batches.get(0).index(1))).containsExactly(2, 3);
        assertThat(List.of(batches.get(1).index(0), batches.get(1).index(1))).containsExactly(0, 1);
    }

    @Test
    void letsNeighboursOfOnePromptShareIt() {
        List<MicroBatch> batches =
                MicroBatch.pack(List.of(THREE, THREE, TWO, THREE, THREE, THREE, THREE, THREE), 1_000);
        assertThat(batches).hasSize(1);
        assertThat(batches.getFirst().size()).isEqualTo(8);
        assertThat(batches.getFirst().rows())
                .as("two, another prompt, four, and the one that is left")
                .isEqualTo(4);
    }

    @Test
    void makesNoRowLongerThanABatchMayBe() {
        assertThat(MicroBatch.pack(List.of(THREE, THREE), 13))
                .as("a prompt of one, twice three, and room for seven of padding")
                .extracting(MicroBatch::rows)
                .containsExactly(1, 1);
        assertThat(MicroBatch.pack(List.of(THREE, THREE), 14))
                .extracting(MicroBatch::size)
                .containsExactly(2);
    }
}
