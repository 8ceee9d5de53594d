package dev.bellwether.policy.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SamplerTest {
    private static final float[] FOUR = {
        (float) Math.log(.5), (float) Math.log(.3), (float) Math.log(.15), (float) Math.log(.05)
    };

    private static double[] shares(Sampling sampling, float[] logits, int draws) {
        Sampler sampler = new Sampler(sampling);
        Sampler.Scratch scratch = new Sampler.Scratch(logits.length);
        float[] probabilities = probabilities(logits, sampler.inverseTemperature());
        Odds odds = new HeldOdds(probabilities);
        double[] shares = new double[logits.length];
        for (int i = 0; i < draws; i++) {
            shares[sampler.draw(odds, scratch).token()] += 1.0 / draws;
        }
        return shares;
    }

    private static float[] probabilities(float[] logits, double inverseTemperature) {
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit * inverseTemperature);
        }
        float[] probabilities = new float[logits.length];
        for (int v = 0; v < logits.length; v++) {
            probabilities[v] = (float) (Math.exp(logits[v] * inverseTemperature) / sum);
        }
        return probabilities;
    }

    /** Four standard errors of 40 000 draws are .01. */
    @ParameterizedTest
    @CsvSource({"1, .5, .3, .15, .05", "2, .3793, .2938, .2078, .1200", ".5, .6849, .2466, .0616, .0068"})
    void drawsEachTokenAsOftenAsItsProbability(
            double temperature, double first, double second, double third, double fourth) {
        double[] shares = shares(Sampling.at(temperature, 1, 7), FOUR, 40_000);
        assertThat(shares[0]).isCloseTo(first, within(.01));
        assertThat(shares[1]).isCloseTo(second, within(.01));
        assertThat(shares[2]).isCloseTo(third, within(.01));
        assertThat(shares[3]).isCloseTo(fourth, within(.01));
    }

    @Test
    void takesTheLikeliestAtTemperatureZero() {
        assertThat(shares(Sampling.at(0, 1, 7), FOUR, 1_000))
                .containsExactly(shares(Sampling.at(0, 1, 8), FOUR, 1_000));
        assertThat(shares(Sampling.at(0, 1, 7), FOUR, 1_000)[0]).isCloseTo(1, within(1e-9));
    }

    @Test
    void drawsTheSameFromTheSameSeedAndOtherwiseFromAnother() {
        assertThat(shares(Sampling.at(1, 1, 7), FOUR, 50)).isEqualTo(shares(Sampling.at(1, 1, 7), FOUR, 50));
        assertThat(shares(Sampling.at(1, 1, 7), FOUR, 50)).isNotEqualTo(shares(Sampling.at(1, 1, 9), FOUR, 50));
    }

    /** Against a full sort: the same tokens stay in play. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void keepsToTopPAndTopKAsASortWould(long seed) {
        Random random = new Random(seed);
        float[] logits = new float[300];
        double spread = 1 + seed;
        for (int v = 0; v < logits.length; v++) {
            // Some alike, for ties.
            logits[v] = (float) (Math.round(random.nextGaussian() * spread * 8) / 8.0);
        }
        double topP = .05 + .9 * random.nextDouble();
        int topK = seed % 2 == 0 ? 0 : 1 + random.nextInt(40);
        double[] shares = shares(new Sampling(1, topP, topK, 1, seed), logits, 20_000);
        double least = least(logits, topP, topK);
        for (int v = 0; v < logits.length; v++) {
            double weight = Math.exp(logits[v]);
            if (weight < least * (1 - 1e-5)) {
                assertThat(shares[v]).isZero();
            } else if (weight > least * 2) {
                assertThat(shares[v]).isPositive();
            }
        }
    }

    private static double least(float[] logits, double topP, int topK) {
        double[] weights = new double[logits.length];
        for (int v = 0; v < weights.length; v++) {
            weights[v] = Math.exp(logits[v]);
        }
        double sum = Arrays.stream(weights).sum();
        Arrays.sort(weights);
        double mass = 0;
        for (int i = weights.length - 1; i >= 0; i--) {
            mass += weights[i];
            if (mass >= topP * sum || weights.length - i == topK) {
                return weights[i];
            }
        }
        return 0;
    }

    @Test
    void keepsToTheSmallestSetThatReachesTopP() {
        double[] shares = shares(new Sampling(1, .6, 0, 1, 1), FOUR, 4_000);
        assertThat(shares[0]).isCloseTo(.625, within(.03));
        assertThat(shares[1]).isCloseTo(.375, within(.03));
        assertThat(shares(new Sampling(1, 1, 2, 1, 1), FOUR, 500)[2]).isZero();
        assertThat(shares(new Sampling(1, 1e-9, 0, 1, 1), FOUR, 500)[0]).isCloseTo(1, within(1e-9));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3})
    void refusesWhatIsNoNumberWhereverItStands(int place) {
        float[] probabilities = probabilities(FOUR, 1);
        probabilities[place] = Float.NaN;
        for (double temperature : new double[] {0, 1}) {
            assertThatThrownBy(() -> new Sampler(Sampling.at(temperature, 1, 1))
                            .draw(new HeldOdds(probabilities), new Sampler.Scratch(probabilities.length)))
                    .isInstanceOf(NotFiniteException.class);
        }
        float[] impossible = FOUR.clone();
        impossible[place] = Float.NEGATIVE_INFINITY;
        assertThat(shares(Sampling.at(1, 1, 1), impossible, 500)[place]).isZero();
    }

    /** Sums of blocks decide first: every token of many blocks is met as often as it is likely. */
    @Test
    void drawsFromManyBlocks() {
        float[] logits = new float[1_000];
        for (int v = 0; v < logits.length; v++) {
            logits[v] = v % 100 == 7 ? (float) Math.log(20) : Float.NEGATIVE_INFINITY;
        }
        double[] shares = shares(Sampling.at(1, 1, 3), logits, 20_000);
        for (int v = 0; v < logits.length; v++) {
            assertThat(shares[v]).isCloseTo(v % 100 == 7 ? .1 : 0, within(.01));
        }
    }
}
