package dev.bellwether.trainer.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class RewardLossTest {
    @Test
    void equalsNumbersComputedByHand() {
        assertThat(RewardLoss.pair(0, .1)).isCloseTo(Math.log(2), within(1e-12));
        // .9·−log σ(2) + .1·−log σ(−2) = .9·.126928 + .1·2.126928
        assertThat(RewardLoss.pair(2, .1)).isCloseTo(.326928, within(1e-6));
        assertThat(RewardLoss.vote(1, .5, false, 0)).isCloseTo(Math.log(1 + Math.exp(1.5)), within(1e-12));
    }

    @Test
    void hasTheSlopesThatFiniteDifferencesGive() {
        double h = 1e-6;
        for (double x : new double[] {-30, -2, -.1, 0, .7, 5, 30}) {
            double pair = (RewardLoss.pair(x + h, .1) - RewardLoss.pair(x - h, .1)) / (2 * h);
            assertThat(RewardLoss.pairSlope(x, .1)).isCloseTo(pair, within(1e-6));
            for (boolean up : new boolean[] {true, false}) {
                double vote = (RewardLoss.vote(x + h, .3, up, .1) - RewardLoss.vote(x - h, .3, up, .1)) / (2 * h);
                assertThat(RewardLoss.voteSlope(x, .3, up, .1)).isCloseTo(vote, within(1e-6));
            }
        }
    }

    @Test
    void isFiniteForExtremeRewards() {
        assertThat(RewardLoss.pair(1e6, .1)).isCloseTo(1e5, within(1.0));
        assertThat(RewardLoss.pairSlope(-1e6, .1)).isCloseTo(-.9, within(1e-12));
    }
}
