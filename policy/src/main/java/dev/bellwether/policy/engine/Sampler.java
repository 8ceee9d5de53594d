package dev.bellwether.policy.engine;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Draws the tokens of one reply from their probabilities.
 *
 * <p>Nothing is sorted but the few tokens about which top-p or top-k is in doubt: probabilities are first counted by their
 * leading bits, which order as they do.
 */
final class Sampler {
    /** Sign, exponent and seven bits of a probability's fraction. */
    private static final int LEADING_SHIFT = 16;

    private static final int LEADING_OF_ONE = Float.floatToRawIntBits(1) >>> LEADING_SHIFT;

    /** What is less likely shares one place with all that is. */
    private static final float LEAST_COUNTED = 1e-12f;

    private final Sampling sampling;
    private final SplittableRandom random;

    Sampler(Sampling sampling) {
        this.sampling = sampling;
        this.random = new SplittableRandom(sampling.seed());
    }

    /** What the logits are multiplied by before they become probabilities; of the likeliest alone, by one. */
    float inverseTemperature() {
        return sampling.temperature() == 0 ? 1 : (float) (1 / sampling.temperature());
    }

    /** Where one draw after another is computed. */
    static final class Scratch {
        private final float[] doubtful;
        private final int[] counts;
        private final double[] masses;

        Scratch(int vocabularySize) {
            this.doubtful = new float[vocabularySize];
            int smallest = Float.floatToRawIntBits(LEAST_COUNTED) >>> LEADING_SHIFT;
            this.counts = new int[LEADING_OF_ONE - smallest + 2];
            this.masses = new double[counts.length];
        }
    }

    /** A drawn token and its log-probability at the sampling temperature, before top-p and top-k. */
    record Draw(int token, float logProbability) {}

    /**
     * Draws a token by its odds at the sampling temperature.
     *
     * @throws NotFiniteException when one of them is no number
     */
    Draw draw(Odds odds, Scratch scratch) {
        float[] sums = odds.sums();
        double sum = 0;
        for (float each : sums) {
            sum += each;
        }
        if (!(sum > 0 && sum <= Float.MAX_VALUE)) {
            throw new NotFiniteException();
        }
        int token;
        if (sampling.temperature() == 0) {
            token = odds.likeliest();
        } else if (sampling.topP() == 1 && sampling.topK() == 0) {
            token = pick(odds, sum, sums);
        } else {
            token = pick(odds.all(), threshold(odds.all(), sum, scratch));
        }
        float probability = odds.block(token / Odds.BLOCK)[token % Odds.BLOCK];
        return new Draw(token, (float) Math.log(probability / sum));
    }

    /** Any token: first its block, then itself. */
    private int pick(Odds odds, double sum, float[] sums) {
        double at = random.nextDouble() * sum;
        int block = 0;
        while (block < sums.length - 1 && at >= sums[block]) {
            at -= sums[block];
            block++;
        }
        float[] probabilities = odds.block(block);
        int token = -1;
        for (int i = 0; i < probabilities.length; i++) {
            if (probabilities[i] > 0) {
                token = block * Odds.BLOCK + i;
                at -= probabilities[i];
                if (at < 0) {
                    break;
                }
            }
        }
        // Rounding may lead behind the last token that can be drawn, into a block without one.
        return token >= 0 ? token : odds.likeliest();
    }

    /** One of the tokens that reach the threshold. */
    private int pick(float[] probabilities, float threshold) {
        double kept = 0;
        for (float probability : probabilities) {
            kept += probability >= threshold ? probability : 0;
        }
        double at = random.nextDouble() * kept;
        int token = 0;
        for (int v = 0; v < probabilities.length; v++) {
            float probability = probabilities[v];
            if (probability > 0 && probability >= threshold) {
                token = v;
                at -= probability;
                if (at < 0) {
                    break;
                }
            }
        }
        return token;
    }

    /** The least probability that top-p and top-k leave in play. */
    private float threshold(float[] probabilities, double sum, Scratch scratch) {
        int[] counts = scratch.counts;
        double[] masses = scratch.masses;
        Arrays.fill(counts, 0);
        Arrays.fill(masses, 0);
        for (float probability : probabilities) {
            if (probability > 0) {
                int bucket = bucket(probability, counts.length);
                counts[bucket]++;
                masses[bucket] += probability;
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
        return within(bucket, room, wanted, probabilities, scratch);
    }

    private static int bucket(float probability, int buckets) {
        int leading = Float.floatToRawIntBits(probability) >>> LEADING_SHIFT;
        return Math.clamp(LEADING_OF_ONE - leading, 0, buckets - 1);
    }

    /** The threshold among those of one bucket, of which {@code room} or the mass {@code wanted} are kept. */
    private static float within(int bucket, int room, double wanted, float[] probabilities, Scratch scratch) {
        int count = 0;
        for (float probability : probabilities) {
            if (probability > 0 && bucket(probability, scratch.counts.length) == bucket) {
                scratch.doubtful[count++] = probability;
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
