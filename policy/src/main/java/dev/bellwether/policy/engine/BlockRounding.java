package dev.bellwether.policy.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Rounds blocks of numbers, one after the other: {@code x ≈ scale · (number − middle) + offset}, the middle being 8 of 4
 * bits and 128 of 8.
 *
 * <p>Of 8 bits, the offset is 0 and the scale that of the largest number. Of 4 bits, the numbers are laid over the range
 * from the least to the largest, or over somewhat less of it; scale and offset are then fitted to the outcome by least
 * squares, and the range with the least squared error wins. A block that was rounded so before is met exactly.
 */
final class BlockRounding {
    /** Shares of the range that the numbers cover: what the outermost lose, all others gain. */
    private static final float[] REACHES = {1f, .96f, .92f, .88f, .84f};

    private final int bits;
    private final int most;
    private final int middle;
    private int[] numbers = new int[BlockMatrix.BLOCK];
    private int[] tried = new int[BlockMatrix.BLOCK];
    private double triedScale;
    private double triedLeast;
    private float scale;
    private float offset;

    BlockRounding(int bits) {
        this.bits = bits;
        this.most = (1 << bits) - 1;
        this.middle = 1 << (bits - 1);
    }

    float scale() {
        return scale;
    }

    float offset() {
        return offset;
    }

    /** {@code values[from … from + size)}; what a block lacks is zero, where it has no offset. */
    void round(float[] values, int from, int size) {
        if (bits == 8) {
            roundSymmetrically(values, from, size);
        } else {
            roundRange(values, from, size);
        }
        for (int i = size; i < numbers.length; i++) {
            numbers[i] = middle;
        }
    }

    private void roundSymmetrically(float[] values, int from, int size) {
        float largest = 0;
        for (int i = 0; i < size; i++) {
            largest = Math.max(largest, Math.abs(values[from + i]));
        }
        offset = 0;
        scale = largest / (middle - 1);
        float inverse = scale == 0 ? 0 : 1 / scale;
        for (int i = 0; i < size; i++) {
            numbers[i] = Math.clamp(Math.round(values[from + i] * inverse) + middle, 0, most);
        }
    }

    private void roundRange(float[] values, int from, int size) {
        float low = values[from];
        float high = low;
        for (int i = 1; i < size; i++) {
            low = Math.min(low, values[from + i]);
            high = Math.max(high, values[from + i]);
        }
        double least = Double.POSITIVE_INFINITY;
        for (float reach : REACHES) {
            float cut = (high - low) * (1 - reach) / 2;
            double error = attempt(values, from, size, low + cut, (high - low) * reach / most);
            if (error < least) {
                least = error;
                scale = (float) triedScale;
                offset = (float) (triedLeast + middle * triedScale);
                int[] better = tried;
                tried = numbers;
                numbers = better;
            }
        }
    }

    /** Rounds to {@code from + step · number}, then fits both to the outcome; the squared error that is left. */
    private double attempt(float[] values, int at, int size, float from, float step) {
        float inverse = step == 0 ? 0 : 1 / step;
        int sum = 0;
        int squares = 0;
        double total = 0;
        double products = 0;
        for (int i = 0; i < size; i++) {
            float value = values[at + i];
            // Half up, by truncation of what is not negative.
            int number = (int) Math.min(most, Math.max(0, (value - from) * inverse) + .5f);
            tried[i] = number;
            sum += number;
            squares += number * number;
            total += value;
            products += (double) number * value;
        }
        long spread = (long) size * squares - (long) sum * sum;
        triedScale = spread == 0 ? 0 : (size * products - sum * total) / spread;
        triedLeast = (total - triedScale * sum) / size;
        double error = 0;
        for (int i = 0; i < size; i++) {
            double difference = values[at + i] - (triedLeast + triedScale * tried[i]);
            error += difference * difference;
        }
        return error;
    }

    /** The block's numbers, two in a byte where they have 4 bits, the first in its lower half. */
    void write(MemorySegment memory, long at) {
        if (bits == 8) {
            for (int i = 0; i < numbers.length; i++) {
                memory.set(ValueLayout.JAVA_BYTE, at + i, (byte) numbers[i]);
            }
        } else {
            for (int i = 0; i < numbers.length / 2; i++) {
                memory.set(ValueLayout.JAVA_BYTE, at + i, (byte) (numbers[2 * i] | numbers[2 * i + 1] << 4));
            }
        }
    }
}
