package dev.bellwether.policy.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BlockRoundingTest {
    private static float[] values(BlockRounding rounding, int bits) {
        float[] values = new float[BlockMatrix.BLOCK];
        values(rounding, bits, values);
        return values;
    }

    /** What the block has become, by its bytes. */
    static void values(BlockRounding rounding, int bits, float[] values) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(BlockMatrix.BLOCK);
            rounding.write(memory, 0);
            for (int i = 0; i < values.length; i++) {
                int number = bits == 8
                        ? memory.get(ValueLayout.JAVA_BYTE, i) & 0xff
                        : (memory.get(ValueLayout.JAVA_BYTE, i / 2) >> (4 * (i % 2))) & 0xf;
                values[i] = rounding.scale() * (number - (1 << (bits - 1))) + rounding.offset();
            }
        }
    }

    @Test
    void laysSixteenLevelsFromTheLeastToTheLargest() {
        float[] block = new float[BlockMatrix.BLOCK];
        for (int i = 0; i < block.length; i++) {
            block[i] = .25f + .5f * (i % 16);
        }
        BlockRounding rounding = new BlockRounding(4);
        rounding.round(block, 0, block.length);
        assertThat(rounding.scale()).isCloseTo(.5f, within(1e-6f));
        assertThat(rounding.offset()).isCloseTo(.25f + 8 * .5f, within(1e-5f));
        assertThat(values(rounding, 4)).containsExactly(block, within(1e-5f));
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 8})
    void staysWithinHalfAStepOfEveryNumber(int bits) {
        SplittableRandom random = new SplittableRandom(bits);
        BlockRounding rounding = new BlockRounding(bits);
        for (int round = 0; round < 200; round++) {
            float[] block = new float[BlockMatrix.BLOCK];
            for (int i = 0; i < block.length; i++) {
                block[i] = (float) (random.nextDouble() - .3);
            }
            rounding.round(block, 0, block.length);
            float[] rounded = values(rounding, bits);
            double error = 0;
            for (int i = 0; i < block.length; i++) {
                error += Math.pow(block[i] - rounded[i], 2);
            }
            // A step of 1/15 or 2/255 of the range leaves a twelfth of its square in the mean; twice that is allowed.
            double step = bits == 4 ? 1. / 15 : 1.4 / 255;
            assertThat(error / block.length).isLessThan(2 * step * step / 12);
        }
    }

    @Test
    void meetsWhatIsAllTheSameAndWhatIsShort() {
        BlockRounding rounding = new BlockRounding(4);
        float[] same = new float[BlockMatrix.BLOCK];
        Arrays.fill(same, -.7f);
        rounding.round(same, 0, same.length);
        assertThat(values(rounding, 4)).containsOnly(-.7f);
        BlockRounding eight = new BlockRounding(8);
        eight.round(new float[] {3, -6, 9}, 0, 3);
        float[] rounded = values(eight, 8);
        assertThat(rounded[2]).isCloseTo(9, within(1e-5f));
        assertThat(rounded[1]).isCloseTo(-6, within(.04f));
        assertThat(rounded[3]).isZero();
    }
}
