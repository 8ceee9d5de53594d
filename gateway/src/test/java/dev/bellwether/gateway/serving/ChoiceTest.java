package dev.bellwether.gateway.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.policy.checkpoint.RewardScale;
import dev.bellwether.policy.engine.RewardScorer.Score;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ChoiceTest {
    private static final RewardScale SCALE = new RewardScale(0, 1);

    private static List<Score> scores(float[]... heads) {
        return Stream.of(heads).map(each -> Score.of(each, SCALE)).toList();
    }

    private static final List<Score> SCORES =
            scores(new float[] {0, 0}, new float[] {3, 3}, new float[] {1, -1}, new float[] {2, 2});

    @Test
    void givesTheBestOnesBestFirstUnlessTheyAreCompared() {
        assertThat(Choice.BEST.of(SCORES, 1)).containsExactly(1);
        assertThat(Choice.BEST.of(SCORES, 2)).containsExactly(1, 3);
        assertThat(Choice.BEST_COMPARED.of(scores(new float[] {1}, new float[] {0}, new float[] {2}), 2))
                .as("where the better one stands is chance")
                .containsExactly(0, 2);
    }

    /** Heads that say .731 and .269 of one reply over another are .231 from their mean: a variance of .0534. */
    @Test
    void givesTheTwoOfWhichTheHeadsDisagreeMost() {
        assertThat(SCORES.get(2).doubt(SCORES.get(0))).isCloseTo(.0534, within(1e-4));
        assertThat(SCORES.get(0).doubt(SCORES.get(2))).isCloseTo(.0534, within(1e-4));
        assertThat(SCORES.get(1).doubt(SCORES.get(0)))
                .as("surely better is no question")
                .isZero();
        assertThat(Choice.DOUBTED.of(SCORES, 2)).containsExactly(0, 2);
    }

    @Test
    void givesAnyTwoWhereAllSayTheSame() {
        List<Score> alike = scores(new float[] {1, 2}, new float[] {1, 2}, new float[] {1, 2});
        assertThat(Choice.DOUBTED.of(alike, 2)).containsExactly(0, 1);
    }
}
