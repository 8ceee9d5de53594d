package dev.bellwether.stream.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.event.Arm;
import dev.bellwether.event.PolicyScorecard.Votes;
import java.util.List;
import java.util.Random;
import org.apache.commons.statistics.distribution.BetaDistribution;
import org.apache.commons.statistics.distribution.ContinuousDistribution;
import org.junit.jupiter.api.Test;

class PosteriorTest {
    private static Posterior of(long up, long down, long championUp, long championDown) {
        return Posterior.of(
                List.of(new Votes(.5, Arm.CANDIDATE, up, down), new Votes(.5, Arm.CHAMPION, championUp, championDown)));
    }

    @Test
    void isEvenWithoutVotes() {
        // Two uniform numbers: one is larger in half of the cases, and the mean of max(0, b - a) is a sixth.
        assertThat(of(0, 0, 0, 0).better()).isCloseTo(.5, within(1e-6));
        assertThat(of(0, 0, 0, 0).expectedLoss()).isCloseTo(1 / 6.0, within(1e-3));
    }

    @Test
    void agreesWithDraws() {
        for (int[] votes : new int[][] {{30, 10, 20, 20}, {3, 1, 400, 300}, {9_000, 1_000, 8_900, 1_100}}) {
            ContinuousDistribution.Sampler candidate =
                    BetaDistribution.of(1 + votes[0], 1 + votes[1]).createSampler(new Random(1)::nextLong);
            ContinuousDistribution.Sampler champion =
                    BetaDistribution.of(1 + votes[2], 1 + votes[3]).createSampler(new Random(2)::nextLong);
            int draws = 100_000;
            double better = 0;
            double loss = 0;
            for (int i = 0; i < draws; i++) {
                double one = candidate.sample();
                double other = champion.sample();
                better += one > other ? 1 : 0;
                loss += Math.max(0, other - one);
            }
            Posterior posterior = of(votes[0], votes[1], votes[2], votes[3]);
            assertThat(posterior.better()).isCloseTo(better / draws, within(.006));
            assertThat(posterior.expectedLoss()).isCloseTo(loss / draws, within(.001));
        }
    }
}
