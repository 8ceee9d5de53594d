package dev.bellwether.trainer.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.event.PreferencePair.Origin;
import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Sample;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CalibrationTest {
    private static Comparison comparison(int chosen, int rejected, Origin origin) {
        return new Comparison(reply(chosen), reply(rejected), 1, List.of("mia"), 0, origin, Comparison.Shown.APART);
    }

    private static Sample reply(int tokens) {
        return Sample.of(new int[] {1}, IntStream.range(0, tokens).map(i -> 7).toArray());
    }

    @Test
    void equalsNumbersComputedByHand() {
        List<Comparison> comparisons =
                List.of(comparison(1, 2, Origin.DUEL), comparison(2, 1, Origin.DUEL), comparison(3, 1, Origin.EDIT));
        // Differences 1 and 3, then -2 and 0, then 0 and 0: means 2, -1 and 0.
        float[][] rewards = {{1, 2}, {0, -1}, {0, 0}, {2, 0}, {1, 1}, {1, 1}};
        Calibration found = Calibration.of(rewards, comparisons);
        assertThat(found.accuracy()).as("what is as good is not better").isCloseTo(1 / 3.0, within(1e-9));
        assertThat(found.margin()).isCloseTo(1 / 3.0, within(1e-9));
        assertThat(found.agreement())
                .as("a head without an opinion does not agree")
                .isCloseTo(1 / 3.0, within(1e-9));
        // (σ(1) + σ(3)) / 2 = .84182 and right; 1 − (σ(−2) + σ(0)) / 2 = .69040 and wrong; .5 and not right
        assertThat(found.error()).isCloseTo((.158184 + .690399 + .5) / 3, within(1e-5));
        assertThat(found.byOrigin()).containsOnlyKeys("duel", "edit").hasEntrySatisfying("duel", duels -> {
            assertThat(duels.comparisons()).isEqualTo(2);
            assertThat(duels.confidence()).isCloseTo((.841816 + .690399) / 2, within(1e-5));
            assertThat(duels.accuracy()).isEqualTo(.5);
        });
        assertThat(found.byConfidence().stream().mapToInt(Calibration.Part::comparisons))
                .containsExactly(1, 1, 0, 1, 0);
    }

    @Test
    void findsNoErrorWherePeopleAgreeAsOftenAsWasSaid() {
        Random random = new Random(2);
        int count = 20_000;
        float[][] rewards = new float[2 * count][1];
        for (int i = 0; i < count; i++) {
            double difference = 6 * random.nextDouble() - 3;
            boolean first = random.nextDouble() < RewardLoss.sigmoid(difference);
            rewards[first ? 2 * i : 2 * i + 1][0] = (float) difference;
        }
        List<Comparison> comparisons = IntStream.range(0, count)
                .mapToObj(i -> comparison(1, 1, Origin.DUEL))
                .toList();
        assertThat(Calibration.of(rewards, comparisons).error()).isLessThan(.01);
        for (float[] reward : rewards) {
            reward[0] *= 4;
        }
        assertThat(Calibration.of(rewards, comparisons).error())
                .as("four times as sure")
                .isGreaterThan(.1);
    }

    @Test
    void tellsWhetherLongerRepliesScoreMore() {
        List<Comparison> comparisons = List.of(comparison(1, 2, Origin.DUEL), comparison(3, 4, Origin.DUEL));
        // Lengths 1, 2, 3, 4 with rewards 1, 3, 2, 4: 4 / √(5 · 5) over deviations from 2.5 each.
        assertThat(Calibration.of(new float[][] {{1}, {3}, {2}, {4}}, comparisons)
                        .lengthCorrelation())
                .isCloseTo(.8, within(1e-9));
        assertThat(Calibration.of(new float[4][1], comparisons).lengthCorrelation())
                .isZero();
    }
}
