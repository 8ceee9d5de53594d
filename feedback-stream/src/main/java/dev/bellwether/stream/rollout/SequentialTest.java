package dev.bellwether.stream.rollout;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The sequential multinomial test on counted votes: an e-value that may be looked at after every vote.
 *
 * <p>Of the votes counted (down-votes, say), y = 1 if the vote fell on the candidate, and ρ is the candidate's share
 * when the reply was served. Under a log relative rate δ the next vote falls on the candidate with probability
 * θ(δ, ρ) = ρe^δ / (1 − ρ + ρe^δ). The e-value against δ₀ is the mean likelihood ratio over a grid of alternatives on
 * one side, weighted by a normal density around δ₀. It needs no denominators and survives changing base rates and
 * shares.
 *
 * @see <a href="https://arxiv.org/abs/2011.03567">Lindon and Malek: Anytime-Valid Inference for Multinomial Count
 *     Data</a>; the mixture over varying shares is an extension whose false-alarm rate the tests show by simulation
 */
final class SequentialTest {
    private static final int GRID = 60;
    private static final double SCALE = .5;
    private static final double REACH = 3;
    private static final double[] DISTANCES = IntStream.range(0, GRID)
            .mapToDouble(j -> (j + 1) * REACH * SCALE / GRID)
            .toArray();

    /** Of a normal density, adding up to one. */
    private static final double[] LOG_WEIGHTS = logWeights();

    private static final double FARTHEST = 3;
    private static final int HALVINGS = 30;

    private SequentialTest() {}

    private static double[] logWeights() {
        double sum = Arrays.stream(DISTANCES).map(SequentialTest::density).sum();
        return Arrays.stream(DISTANCES)
                .map(distance -> Math.log(density(distance) / sum))
                .toArray();
    }

    private static double density(double distance) {
        return Math.exp(-distance * distance / (2 * SCALE * SCALE));
    }

    /** On which side of δ₀ the alternatives lie. */
    enum Side {
        LESS,
        GREATER
    }

    /** Number of votes of one kind that fell on either arm while the candidate's share was {@code share}. */
    record Count(double share, long candidate, long champion) {}

    /** Evidence against a log relative rate of {@code delta0}, for rates on {@code side} of it. */
    static double eValue(List<Count> counts, double delta0, Side side) {
        double[] logTerms = new double[GRID];
        double base = logLikelihood(counts, delta0);
        double top = Double.NEGATIVE_INFINITY;
        for (int j = 0; j < GRID; j++) {
            double delta = side == Side.GREATER ? delta0 + DISTANCES[j] : delta0 - DISTANCES[j];
            logTerms[j] = LOG_WEIGHTS[j] + logLikelihood(counts, delta) - base;
            top = Math.max(top, logTerms[j]);
        }
        double sum = 0;
        for (double term : logTerms) {
            sum += Math.exp(term - top);
        }
        return Math.exp(top + Math.log(sum));
    }

    /**
     * Up to what does not depend on δ. Of a vote on the candidate log θ = log ρ + δ − log(1 − ρ + ρe^δ), of one on the
     * champion log(1 − θ) = log(1 − ρ) − log(1 − ρ + ρe^δ).
     */
    private static double logLikelihood(List<Count> counts, double delta) {
        double growth = Math.exp(delta);
        double sum = 0;
        for (Count count : counts) {
            long votes = count.candidate() + count.champion();
            if (votes > 0) {
                sum += count.candidate() * delta - votes * Math.log(1 - count.share() + count.share() * growth);
            }
        }
        return sum;
    }

    /** Probability that a vote falls on the candidate. */
    static double theta(double delta, double share) {
        double odds = share * Math.exp(delta);
        return odds / (1 - share + odds);
    }

    /** Evidence against a log relative rate of {@code delta0}, for rates on either side. */
    static double twoSided(List<Count> counts, double delta0) {
        return .5 * (eValue(counts, delta0, Side.LESS) + eValue(counts, delta0, Side.GREATER));
    }

    /**
     * The relative rates that the counts do not rule out at level {@code alpha}: lower and upper end, at most e³ away from
     * no difference.
     */
    static double[] confidence(List<Count> counts, double alpha) {
        double middle = likeliest(counts);
        return new double[] {
            Math.exp(end(counts, alpha, middle, -FARTHEST)), Math.exp(end(counts, alpha, middle, FARTHEST))
        };
    }

    /** Where the likelihood, which has one top, is highest. */
    private static double likeliest(List<Count> counts) {
        double from = -FARTHEST;
        double to = FARTHEST;
        for (int i = 0; i < HALVINGS; i++) {
            double third = (to - from) / 3;
            if (logLikelihood(counts, from + third) < logLikelihood(counts, to - third)) {
                from += third;
            } else {
                to -= third;
            }
        }
        return (from + to) / 2;
    }

    /** Between the middle, which is not ruled out, and what is farthest. */
    private static double end(List<Count> counts, double alpha, double middle, double farthest) {
        if (twoSided(counts, farthest) < 1 / alpha) {
            return farthest;
        }
        double in = middle;
        double out = farthest;
        for (int i = 0; i < HALVINGS; i++) {
            double between = (in + out) / 2;
            if (twoSided(counts, between) < 1 / alpha) {
                in = between;
            } else {
                out = between;
            }
        }
        return in;
    }
}
