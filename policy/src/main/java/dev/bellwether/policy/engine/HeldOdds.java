package dev.bellwether.policy.engine;

import java.util.Arrays;

/** Odds whose numbers are all at hand. */
final class HeldOdds implements Odds {
    private final float[] probabilities;
    private final float[] sums;
    private final float[] block = new float[BLOCK];

    /**
     * Of as many tokens as there are {@code probabilities}, which the caller may change between two draws.
     */
    HeldOdds(float[] probabilities) {
        this.probabilities = probabilities;
        this.sums = new float[Math.ceilDiv(probabilities.length, BLOCK)];
    }

    /** Each block in four parts that do not wait for each other. */
    @Override
    public float[] sums() {
        for (int each = 0; each < sums.length; each++) {
            int from = each * BLOCK;
            int to = Math.min(probabilities.length, from + BLOCK);
            float one = 0;
            float two = 0;
            float three = 0;
            float four = 0;
            int v = from;
            for (; v + 3 < to; v += 4) {
                one += probabilities[v];
                two += probabilities[v + 1];
                three += probabilities[v + 2];
                four += probabilities[v + 3];
            }
            for (; v < to; v++) {
                one += probabilities[v];
            }
            sums[each] = one + two + (three + four);
        }
        return sums;
    }

    @Override
    public float[] block(int number) {
        int from = number * BLOCK;
        int count = Math.min(BLOCK, probabilities.length - from);
        System.arraycopy(probabilities, from, block, 0, count);
        Arrays.fill(block, count, BLOCK, 0);
        return block;
    }

    @Override
    public float[] all() {
        return probabilities;
    }

    @Override
    public int likeliest() {
        return Odds.largest(probabilities);
    }
}
