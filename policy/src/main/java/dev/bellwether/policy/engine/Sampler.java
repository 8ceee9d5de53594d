package dev.bellwether.policy.engine;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Draws the tokens of one reply from their logits.
 *
 * <p>Nothing is sorted but the few tokens about which top-p or top-k is in doubt: weights are first counted by their
 * leading bits, which order as the weights do.
 */
final class Sampler {
    /** Tokens less likely than e⁻²⁰ times the likeliest are never drawn. */
    private static final float NEGLIGIBLE = -20;

    /** Sign, exponent and seven bits of a weight's fraction. */
    private static final int LEADING_SHIFT = 16;

    private static final int LEADING_OF_ONE = Float.floatToRawIntBits(1) >>> LEADING_SHIFT;

    private final Sampling sampling;
    private final SplittableRandom random;

    Sampler(Sampling sampling) {
        this.sampling = sampling;
        this.random = new SplittableRandom(sampling.seed());
    }

    /** Where one draw after another is computed. */
    static final class Scratch {
        private final float[] weights;
        private final float[] doubtful;
        private final int[] counts;
        private final double[] masses;

        Scratch(int vocabularySize) {
            this.weights = new float[vocabularySize];
            this.doubtful = new float[vocabularySize];
            int smallest = Float.floatToRawIntBits((float) Math.exp(NEGLIGIBLE)) >>> LEADING_SHIFT;
            this.counts = new int[LEADING_OF_ONE - smallest + 2];
            this.masses = new double[counts.length];
        }
    }

    /** A drawn token and its log-probability at the sampling temperature, before top-p and top-k. */
    record Draw(int token, float logProbability) {}

    /**
     * Draws one of as many tokens as there are {@code logits}.
     *
     * @throws NotFiniteException when one of them is no number
     */
    Draw draw(float[] logits, Scratch scratch) {
        float[] weights = scratch.weights;
        double temperature = sampling.temperature() == 0 ? 1 : sampling.temperature();
        int likeliest = 0;
        float top = logits[0];
        for (int v = 1; v < weights.length; v++) {
            if (logits[v] > top) {
                top = logits[v];
                likeliest = v;
            }
        }
        double sum = weigh(logits, top, (float) (1 / temperature), weights);
        if (!Float.isFinite(top) || Double.isNaN(sum)) {
            throw new NotFiniteException();
        }
        int token = sampling.temperature() == 0 ? likeliest : pick(sum, scratch);
        double z = ((double) logits[token] - top) / temperature;
        return new Draw(token, (float) (z - Math.log(sum)));
    }

    /** Weights relative to the likeliest; their sum, which is NaN when one is no number. */
    private static double weigh(float[] logits, float top, float inverse, float[] weights) {
        double sum = 0;
        boolean numbers = true;
        for (int v = 0; v < weights.length; v++) {
            float z = (logits[v] - top) * inverse;
            float weight = 0;
            if (z >= NEGLIGIBLE) {
                weight = Exponential.of(z);
                sum += weight;
            } else {
                numbers &= z < NEGLIGIBLE;
            }
            weights[v] = weight;
        }
        return numbers ? sum : Double.NaN;
    }

    private int pick(double sum, Scratch scratch) {
        float threshold = threshold(sum, scratch);
        double kept = sum;
        if (threshold > 0) {
            kept = 0;
            for (float weight : scratch.weights) {
                kept += weight >= threshold ? weight : 0;
            }
        }
        double at = random.nextDouble() * kept;
        int token = 0;
        for (int v = 0; v < scratch.weights.length; v++) {
            float weight = scratch.weights[v];
            if (weight > 0 && weight >= threshold) {
                token = v;
                at -= weight;
                if (at < 0) {
                    break;
                }
            }
        }
        return token;
    }

    /** The least weight that top-p and top-k leave in play. */
    private float threshold(double sum, Scratch scratch) {
        if (sampling.topP() == 1 && sampling.topK() == 0) {
            return 0;
        }
        int[] counts = scratch.counts;
        double[] masses = scratch.masses;
        Arrays.fill(counts, 0);
        Arrays.fill(masses, 0);
        for (float weight : scratch.weights) {
            if (weight > 0) {
                int bucket = bucket(weight, counts.length);
                counts[bucket]++;
                masses[bucket] += weight;
            }
        }
        int room = sampling.topK() == 0 ? Integer.MAX_VALUE : sampling.topK();
        double wanted = sampling.topP() * sum;
        int bucket = 0;
        while (bucket < counts.length - 1 && counts[bucket] < room && masses[bucket] < wanted) {
            room -= counts[bucket];
            wanted -= masses[bucket];
            bucket++;
        }
        return within(bucket, room, wanted, scratch);
    }

    private static int bucket(float weight, int buckets) {
        int leading = Float.floatToRawIntBits(weight) >>> LEADING_SHIFT;
        return Math.clamp(LEADING_OF_ONE - leading, 0, buckets - 1);
    }

    /** The threshold among the weights of one bucket, of which {@code room} or the mass {@code wanted} are kept. */
    private static float within(int bucket, int room, double wanted, Scratch scratch) {
        int count = 0;
        for (float weight : scratch.weights) {
            if (weight > 0 && bucket(weight, scratch.counts.length) == bucket) {
                scratch.doubtful[count++] = weight;
            }
        }
        Arrays.sort(scratch.doubtful, 0, count);
        double mass = 0;
        for (int i = count - 1; i >= 0; i--) {
            mass += scratch.doubtful[i];
            if (mass >= wanted || count - i >= room) {
                return scratch.doubtful[i];
            }
        }
        return count == 0 ? 0 : scratch.doubtful[0];
    }
}
