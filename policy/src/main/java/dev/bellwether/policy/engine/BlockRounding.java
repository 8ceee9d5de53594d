package dev.bellwether.policy.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Rounds blocks of numbers, one after the other: {@code x ≈ scale · (number − zero)}.
 *
 * <p>Of 8 bits, the zero is 128 and the scale that of the largest number. Of 4 bits, both are searched: several zeros
 * about where the smallest number puts it, and scales that reach the largest or stay below, each scale then fitted by
 * least squares to what the numbers became; the pair with the least squared error wins.
 */
final class BlockRounding {
    /** Shares of the range that a scale covers: what the outermost lose, all others gain. */
    private static final float[] REACHES = {1f, .95f, .9f, .85f};

    private final int bits;
    private final int most;
    private final int[] numbers = new int[BlockMatrix.BLOCK];
    private final int[] tried = new int[BlockMatrix.BLOCK];
    private float scale;
    private int zero;

    private float triedScale;

    BlockRounding(int bits) {
        this.bits = bits;
        this.most = (1 << bits) - 1;
    }

    float scale() {
        return scale;
    }

    int zero() {
        return zero;
    }

    /** {@code values[from … from + size)}; what a block lacks is zero. */
    void round(float[] values, int from, int size) {
        if (bits == 8) {
            symmetric(values, from, size);
        } else {
            searched(values, from, size);
        }
        for (int i = size; i < numbers.length; i++) {
            numbers[i] = zero;
        }
    }

    private void symmetric(float[] values, int from, int size) {
        float largest = 0;
        for (int i = 0; i < size; i++) {
            largest = Math.max(largest, Math.abs(values[from + i]));
        }
        zero = 1 << (bits - 1);
        scale = largest / (zero - 1);
        float inverse = scale == 0 ? 0 : 1 / scale;
        for (int i = 0; i < size; i++) {
            numbers[i] = Math.clamp(Math.round(values[from + i] * inverse) + zero, 0, most);
        }
    }

    private void searched(float[] values, int from, int size) {
        float low = 0;
        float high = 0;
        for (int i = 0; i < size; i++) {
            low = Math.min(low, values[from + i]);
            high = Math.max(high, values[from + i]);
        }
        zero = 0;
        scale = 0;
        if (low == high) {
            java.util.Arrays.fill(numbers, 0);
            return;
        }
        double least = Double.POSITIVE_INFINITY;
        for (float reach : REACHES) {
            float step = (high - low) * reach / most;
            int about = Math.clamp(Math.round(-low * reach / step), 0, most);
            for (int candidate = Math.max(0, about - 1); candidate <= Math.min(most, about + 1); candidate++) {
                double error = attempt(values, from, size, step, candidate);
                if (error < least) {
                    least = error;
                    zero = candidate;
                    scale = triedScale;
                    System.arraycopy(tried, 0, numbers, 0, size);
                }
            }
        }
    }

    /** Rounds with a scale, fits the scale to the outcome; the squared error with it. */
    private double attempt(float[] values, int from, int size, float step, int candidate) {
        float inverse = 1 / step;
        float products = 0;
        float squares = 0;
        float power = 0;
        for (int i = 0; i < size; i++) {
            float value = values[from + i];
            // Half up by truncation: what is clamped at 0 below was not negative before.
            int number = (int) Math.min(most, Math.max(0f, value * inverse + candidate + .5f));
            tried[i] = number;
            float distance = number - candidate;
            products += distance * value;
            squares += distance * distance;
            power += value * value;
        }
        triedScale = squares == 0 ? step : products / squares;
        return power - (double) triedScale * products;
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
