package dev.bellwether.trainer.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AdvantagesTest {
    @Test
    void equalsNumbersComputedByHand() {
        // deltas: 0 + .5·2 − 1 = 0;  1 + .5·3 − 2 = .5;  2 − 3 = −1;  each plus .25 times the next advantage
        Advantages estimated = Advantages.estimate(new double[] {0, 1, 2}, new float[] {1, 2, 3}, .5, .5);
        assertThat(estimated.advantages()).containsExactly(.0625f, .25f, -1f);
        assertThat(estimated.returns()).containsExactly(1.0625f, 2.25f, 2f);
    }

    @Test
    void equalsTheSumOfDiscountedDeltas() {
        Random random = new Random(1);
        double[] rewards = random.doubles(12).toArray();
        float[] values = new float[12];
        for (int t = 0; t < values.length; t++) {
            values[t] = random.nextFloat();
        }
        Advantages estimated = Advantages.estimate(rewards, values, .99, .95);
        for (int t = 0; t < rewards.length; t++) {
            double sum = 0;
            for (int l = 0; t + l < rewards.length; l++) {
                double next = t + l + 1 < values.length ? values[t + l + 1] : 0;
                sum += Math.pow(.99 * .95, l) * (rewards[t + l] + .99 * next - values[t + l]);
            }
            assertThat((double) estimated.advantages()[t]).isCloseTo(sum, within(1e-5));
        }
    }

    private static Advantages of(float[] advantages, float[] values, float[] returns) {
        return new Advantages(advantages, values, returns);
    }

    @Test
    void whitensOverAllTokens() {
        float[] first = {1, 2};
        float[] second = {3, 6};
        Advantages.whiten(List.of(of(first, first, first.clone()), of(second, second, second.clone())));
        // mean 3, deviation √((4 + 1 + 0 + 9) / 4) = √3.5
        assertThat(first[0]).isCloseTo((float) (-2 / Math.sqrt(3.5)), within(1e-6f));
        assertThat(second[1]).isCloseTo((float) (3 / Math.sqrt(3.5)), within(1e-6f));
    }

    /** Of the returns 1, 2, 3 and 6. */
    private static double explained(float[] first, float[] second) {
        return Advantages.explainedVariance(
                List.of(of(first, first, new float[] {1, 2}), of(second, second, new float[] {3, 6})));
    }

    @Test
    void saysHowMuchOfTheReturnsTheCriticForesaw() {
        assertThat(explained(new float[] {1, 2}, new float[] {3, 6})).isEqualTo(1);
        // errors 1, 2, 3, 6: as wide as the returns themselves
        assertThat(explained(new float[2], new float[2])).isZero();
        // errors 0, 0, 0, 3 have the variance 2.25, the returns 14 / 3
        assertThat(explained(new float[] {1, 2}, new float[] {3, 3})).isCloseTo(1 - 2.25 / (14 / 3.0), within(1e-9));
    }

    @Test
    void leavesOneReplyOut() {
        assertThat(LeaveOneOut.expected(new double[] {1, 2, 6, 4, 4, 1}, 3)).containsExactly(4, 3.5, 1.5, 2.5, 2.5, 4);
    }

    @Test
    void comparesRepliesToOnePromptWhereverTheyAreComputed() {
        Sample shorter = new Sample(new int[] {5, 6, 7}, 2);
        Sample longer = new Sample(new int[] {5, 6, 8, 9}, 2);
        // Replies 0 and 1 to one prompt bring 1 and 2 + 3, replies 2 and 3 to another −1 and 0.5 − 0.5.
        Experience first = experience(List.of(longer, shorter), new int[] {1, 2}, 2, 3, -1);
        Experience second = experience(List.of(shorter, longer), new int[] {0, 3}, 1, .5, -.5);
        List<Advantages> found = new LeaveOneOut(2).advantages(List.of(first, second));
        assertThat(found.getFirst().advantages()).containsExactly(4, 4, -1);
        assertThat(found.getFirst().values()).containsExactly(1, 1, 0);
        assertThat(found.getLast().advantages()).containsExactly(-4, 1, 1);
        assertThat(found.getLast().returns()).containsExactly(1, 0, 0);
    }

    /** Of replies in the order of {@code samples}, which a batch may change. */
    private static Experience experience(List<Sample> samples, int[] replies, double... rewards) {
        MicroBatch batch = MicroBatch.of(samples);
        int tokens = batch.replyTokens();
        return new Experience(batch, replies, new float[tokens], rewards, new float[tokens]);
    }
}
