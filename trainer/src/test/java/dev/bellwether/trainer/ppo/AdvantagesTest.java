package dev.bellwether.trainer.ppo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

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

    @Test
    void whitensOverAllTokens() {
        float[] first = {1, 2};
        float[] second = {3, 6};
        Advantages.whiten(List.of(first, second));
        // mean 3, deviation √((4 + 1 + 0 + 9) / 4) = √3.5
        assertThat(first[0]).isCloseTo((float) (-2 / Math.sqrt(3.5)), within(1e-6f));
        assertThat(second[1]).isCloseTo((float) (3 / Math.sqrt(3.5)), within(1e-6f));
    }

    @Test
    void saysHowMuchOfTheReturnsTheCriticForesaw() {
        List<float[]> returns = List.of(new float[] {1, 2}, new float[] {3, 6});
        assertThat(Advantages.explainedVariance(returns, returns)).isEqualTo(1);
        // errors 1, 2, 3, 6: as wide as the returns themselves
        assertThat(Advantages.explainedVariance(List.of(new float[2], new float[2]), returns))
                .isZero();
        // errors 0, 0, 0, 3 have the variance 2.25, the returns 14 / 3
        assertThat(Advantages.explainedVariance(List.of(new float[] {1, 2}, new float[] {3, 3}), returns))
                .isCloseTo(1 - 2.25 / (14 / 3.0), within(1e-9));
    }
}
