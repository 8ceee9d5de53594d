package dev.bellwether.stream.rollout;

import dev.bellwether.event.Arm;
import dev.bellwether.event.PolicyScorecard.Votes;
import java.util.List;

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

    private SequentialTest() {}

    /** On which side of δ₀ the alternatives lie. */
    enum Side {
        LESS,
        GREATER
    }

    /** Number of votes of one kind that fell on either arm while the candidate's share was {@code share}. */
    record Count(double share, long candidate, long champion) {}

    /** Down-votes of a scorecard as counts by share. */
    static List<Count> downVotes(List<Votes> votes) {
        return votes.stream()
                .map(Votes::candidateShare)
                .distinct()
                .sorted()
                .map(share -> new Count(share, down(votes, share, Arm.CANDIDATE), down(votes, share, Arm.CHAMPION)))
                .toList();
    }

    private static long down(List<Votes> votes, double share, Arm arm) {
        return votes.stream()
                .filter(vote -> vote.candidateShare() == share && vote.arm() == arm)
                .mapToLong(Votes::down)
                .sum();
    }

    /** Evidence against a log relative rate of {@code delta0}, for rates on {@code side} of it. */
    static double eValue(List<Count> counts, double delta0, Side side) {
        double[] logTerms = new double[GRID];
        double weights = 0;
        double top = Double.NEGATIVE_INFINITY;
        for (int j = 0; j < GRID; j++) {
            double distance = (j + 1) * REACH * SCALE / GRID;
            double delta = side == Side.GREATER ? delta0 + distance : delta0 - distance;
            double weight = Math.exp(-distance * distance / (2 * SCALE * SCALE));
            weights += weight;
            logTerms[j] = Math.log(weight) + logLikelihood(counts, delta) - logLikelihood(counts, delta0);
            top = Math.max(top, logTerms[j]);
        }
        double sum = 0;
        for (double term : logTerms) {
            sum += Math.exp(term - top);
        }
        return Math.exp(top + Math.log(sum) - Math.log(weights));
    }

    private static double logLikelihood(List<Count> counts, double delta) {
        double sum = 0;
        for (Count count : counts) {
            double theta = theta(delta, count.share());
            sum += term(count.candidate(), theta) + term(count.champion(), 1 - theta);
        }
        return sum;
    }

    private static double term(long count, double probability) {
        return count == 0 ? 0 : count * Math.log(probability);
    }

    /** Probability that a vote falls on the candidate. */
    static double theta(double delta, double share) {
        double odds = share * Math.exp(delta);
        return odds / (1 - share + odds);
    }

    /** The relative rates that the counts do not rule out at level {@code alpha}: lower and upper end. */
    static double[] confidence(List<Count> counts, double alpha) {
        double lower = Double.NaN;
        double upper = Double.NaN;
        for (int i = -300; i <= 300; i++) {
            double delta = i / 100.0;
            double both = .5 * (eValue(counts, delta, Side.LESS) + eValue(counts, delta, Side.GREATER));
            if (both < 1 / alpha) {
                lower = Double.isNaN(lower) ? Math.exp(delta) : lower;
                upper = Math.exp(delta);
            }
        }
        return new double[] {lower, upper};
    }
}
