package dev.bellwether.stream.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.stream.rollout.SequentialTest.Count;
import dev.bellwether.stream.rollout.SequentialTest.Side;
import java.util.List;
import org.junit.jupiter.api.Test;

class SequentialTestTest {
    @Test
    void givesEachVoteToTheCandidateByShareAndRelativeRate() {
        assertThat(SequentialTest.theta(0, .25)).isEqualTo(.25);
        // odds .25 * 2 / .75 = 2/3, probability 2/5
        assertThat(SequentialTest.theta(Math.log(2), .25)).isCloseTo(.4, within(1e-12));
    }

    @Test
    void equalsTheMixtureOfLikelihoodRatiosComputedVoteByVote() {
        boolean[] onCandidate = {true, false, true, true, false, true};
        double[] shares = {.1, .1, .5, .5, .5, .25};
        double mixture = 0;
        double weights = 0;
        for (int j = 1; j <= 60; j++) {
            double delta = 1.5 * j / 60;
            double weight = Math.exp(-delta * delta / (2 * .25));
            double ratio = 1;
            for (int i = 0; i < shares.length; i++) {
                double theta = SequentialTest.theta(delta, shares[i]);
                ratio *= onCandidate[i] ? theta / shares[i] : (1 - theta) / (1 - shares[i]);
            }
            mixture += weight * ratio;
            weights += weight;
        }
        List<Count> counts = List.of(new Count(.1, 1, 1), new Count(.25, 1, 0), new Count(.5, 2, 1));
        assertThat(SequentialTest.eValue(counts, 0, Side.GREATER)).isCloseTo(mixture / weights, within(1e-9));
    }

    @Test
    void needsAboutFortyDownVotesToSeeThatACandidateHalvesThem() {
        // At an even share a candidate with half the down-rate gets a third of the down-votes.
        double margin = Math.log(1.25);
        assertThat(SequentialTest.eValue(List.of(new Count(.5, 5, 10)), margin, Side.LESS))
                .isLessThan(20);
        assertThat(SequentialTest.eValue(List.of(new Count(.5, 15, 30)), margin, Side.LESS))
                .isGreaterThan(20);
    }

    @Test
    void coversTheTrueRelativeRate() {
        double[] interval = SequentialTest.confidence(List.of(new Count(.5, 100, 100)), .05);
        assertThat(interval[0]).isBetween(.5, 1.0);
        assertThat(interval[1]).isBetween(1.0, 2.0);
    }
}
