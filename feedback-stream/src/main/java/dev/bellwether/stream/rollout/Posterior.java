package dev.bellwether.stream.rollout;

import dev.bellwether.event.Arm;
import dev.bellwether.event.PolicyScorecard.Votes;
import java.util.List;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;
import org.apache.commons.statistics.distribution.BetaDistribution;

/**
 * The arms' approval, up-votes among votes, as beta distributions of a uniform prior. It is shown and decides nothing: it
 * may not be looked at again and again.
 *
 * @param better probability that the candidate's is higher
 * @param expectedLoss approval that choosing the candidate costs in the mean
 */
record Posterior(double better, double expectedLoss) {
    private static final int POINTS = 400;
    private static final double DEVIATIONS = 6;

    static Posterior of(List<Votes> votes) {
        BetaDistribution candidate = approval(votes, Arm.CANDIDATE);
        BetaDistribution champion = approval(votes, Arm.CHAMPION);
        double from = Math.max(0, Math.min(far(candidate, -DEVIATIONS), far(champion, -DEVIATIONS)));
        double to = Math.min(1, Math.max(far(candidate, DEVIATIONS), far(champion, DEVIATIONS)));
        double width = (to - from) / POINTS;
        double[] points = IntStream.range(0, POINTS)
                .mapToDouble(i -> from + (i + .5) * width)
                .toArray();
        double[] ofCandidate = masses(candidate, points);
        double[] ofChampion = masses(champion, points);
        double better = 0;
        double loss = 0;
        double above = 0;
        double aboveTimesPoint = 0;
        for (int i = POINTS - 1; i >= 0; i--) {
            better += ofCandidate[i] * (1 - above - ofChampion[i] / 2);
            loss += ofCandidate[i] * (aboveTimesPoint - above * points[i]);
            above += ofChampion[i];
            aboveTimesPoint += ofChampion[i] * points[i];
        }
        return new Posterior(better, loss);
    }

    private static double far(BetaDistribution approval, double deviations) {
        return approval.getMean() + deviations * Math.sqrt(approval.getVariance());
    }

    /** Adding up to one. */
    private static double[] masses(BetaDistribution approval, double[] points) {
        double[] masses = IntStream.range(0, points.length)
                .mapToDouble(i -> approval.density(points[i]))
                .toArray();
        double sum =
                IntStream.range(0, masses.length).mapToDouble(i -> masses[i]).sum();
        return IntStream.range(0, masses.length)
                .mapToDouble(i -> masses[i] / sum)
                .toArray();
    }

    private static BetaDistribution approval(List<Votes> votes, Arm arm) {
        return BetaDistribution.of(1 + sum(votes, arm, Votes::up), 1 + sum(votes, arm, Votes::down));
    }

    private static double sum(List<Votes> votes, Arm arm, ToLongFunction<Votes> which) {
        return votes.stream().filter(each -> each.arm() == arm).mapToLong(which).sum();
    }
}
