package dev.bellwether.trainer.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.dataset.Vote;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DirectLossTest {
    private static final Sample FIRST = new Sample(new int[] {1, 2, 3}, 1);
    private static final Sample SECOND = new Sample(new int[] {4, 5, 6, 7}, 2);
    private static final List<Comparison> COMPARISONS =
            List.of(Comparison.of(FIRST, SECOND, 1), Comparison.of(SECOND, FIRST, .5));
    private static final List<KtoLoss.Judged> JUDGED = List.of(
            new KtoLoss.Judged(FIRST, true, 1),
            new KtoLoss.Judged(SECOND, false, .5),
            new KtoLoss.Judged(FIRST, false, .5));

    @Test
    void equalsNumbersComputedByHand() {
        // β·h = ½·(2 − 0) = 1 and ½·(1 − 3) = −1: −log σ(1) = .31326, −log σ(−1) = 1.31326, smoothed by a fifth
        double agreed = .8 * .313262 + .2 * 1.313262;
        double opposed = .8 * 1.313262 + .2 * .313262;
        assertThat(new DpoLoss(.5, .2).of(COMPARISONS, new double[] {2, 0, 1, 3}, new double[4]))
                .isCloseTo((agreed + .5 * opposed) / 1.5, within(1e-5));
        assertThat(new DpoLoss(.5, .2).accuracy(COMPARISONS, new double[] {2, 0, 1, 3}))
                .isEqualTo(.5);
        // z = (1 + 3 − 1) / 3 = 1: liked 1 − σ(½·(3 − 1)) = .26894, disliked 1 − σ(½·(1 − 1)) = .5 and 1 − σ(1) =
        // .26894
        double[] ratios = {3, 1, -1, 1, 3, -1};
        assertThat(new KtoLoss(.5).of(JUDGED, ratios, new double[6]))
                .isCloseTo((.268941 + .5 * .5 + .5 * .268941) / 2, within(1e-5));
        assertThat(new KtoLoss(.5).accuracy(JUDGED, ratios)).isEqualTo(1);
    }

    @Test
    void knowsNoDivergenceBelowNothing() {
        // z = −2 counts as 0
        assertThat(new KtoLoss(1).of(JUDGED.subList(0, 1), new double[] {0, -2}, new double[2]))
                .isEqualTo(.5);
    }

    @Test
    void givesTheSlopesThatFiniteDifferencesGive() {
        Random random = new Random(3);
        slopes(new DpoLoss(.3, .1), COMPARISONS, random.doubles(4, -4, 4).toArray(), 4);
        slopes(new KtoLoss(.3), JUDGED, random.doubles(6, -4, 4).toArray(), 3);
    }

    /** KTO's divergence has no gradient, so the ratios that it comes from are left as they are. */
    private static <E> void slopes(DirectLoss<E> loss, List<E> batch, double[] ratios, int moving) {
        double[] slopes = new double[ratios.length];
        loss.of(batch, ratios, slopes);
        for (int i = 0; i < moving; i++) {
            double[] up = ratios.clone();
            double[] down = ratios.clone();
            up[i] += 1e-5;
            down[i] -= 1e-5;
            double rise =
                    loss.of(batch, up, new double[ratios.length]) - loss.of(batch, down, new double[ratios.length]);
            assertThat(slopes[i]).isCloseTo(rise / 2e-5, within(1e-6));
        }
        for (int i = moving; i < ratios.length; i++) {
            assertThat(slopes[i]).isZero();
        }
    }

    @Test
    void weighsWhatWasNotLikedAsMuchAsWhatWas() {
        List<Vote> votes = List.of(new Vote(FIRST, true, "mia", 0), new Vote(SECOND, true, "tom", 0));
        List<KtoLoss.Judged> judged = KtoLoss.judged(COMPARISONS, votes, .25);
        assertThat(judged).hasSize(6);
        assertThat(weight(judged, true)).isEqualTo(2);
        assertThat(weight(judged, false)).isEqualTo(2);
        assertThat(judged.getFirst().reply()).isEqualTo(FIRST);
    }

    private static double weight(List<KtoLoss.Judged> judged, boolean liked) {
        return judged.stream()
                .filter(each -> each.liked() == liked)
                .mapToDouble(KtoLoss.Judged::weight)
                .sum();
    }
}
