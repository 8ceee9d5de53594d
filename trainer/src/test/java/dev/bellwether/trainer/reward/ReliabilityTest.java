package dev.bellwether.trainer.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ReliabilityTest {
    private static final double USUAL = .1;

    private static double of(String person, int judgements, double agreement) {
        Reliability reliability = new Reliability(USUAL);
        Collections.nCopies(judgements, agreement).forEach(each -> reliability.add(person, each));
        return reliability.of(person);
    }

    @Test
    void believesWhoSaysWhatPeopleSay() {
        assertThat(of("mia", 20, .9)).isCloseTo(1, within(.01));
        assertThat(of("mia", 20, .05)).as("the opposite of everything").isZero();
        assertThat(of("mia", 20, .5))
                .as("nothing is known of what people think")
                .isCloseTo(1, within(.01));
    }

    @Test
    void assumesNothingOfOneWhoSaidLittle() {
        assertThat(of("mia", Reliability.JUDGEMENTS_LEAST - 1, .01)).isEqualTo(1);
        assertThat(new Reliability(USUAL).of("tom")).isEqualTo(1);
        assertThat(of("mia", 4, .25)).isGreaterThan(of("mia", 12, .25));
    }

    @Test
    void findsARateThatExplainsItself() {
        List<Double> agreements = List.of(.9, .2, .7, .6, .1, .8);
        double rate = Reliability.errorRate(agreements, USUAL);
        double errors = 4 * USUAL;
        for (double agreement : agreements) {
            errors += rate * (1 - agreement) / (rate * (1 - agreement) + (1 - rate) * agreement);
        }
        assertThat(rate).isCloseTo(errors / 10, within(1e-6));
    }

    /** Thirty people, of whom every third says the opposite and every third anything; ten judgements each. */
    @Test
    void tellsPeopleApart() {
        Random random = new Random(7);
        Reliability reliability = new Reliability(USUAL);
        for (int person = 0; person < 30; person++) {
            double errs = List.of(.1, .9, .5).get(person % 3);
            for (int i = 0; i < 10; i++) {
                double better = .6 + .35 * random.nextDouble();
                boolean meant = random.nextDouble() < better;
                boolean said = meant != random.nextDouble() < errs;
                reliability.add("person-" + person, said ? better : 1 - better);
            }
        }
        double[] sums = new double[3];
        for (int person = 0; person < 30; person++) {
            sums[person % 3] += reliability.of("person-" + person) / 10;
        }
        assertThat(sums[0]).as("who means what they say").isGreaterThan(.75);
        assertThat(sums[1]).as("who says the opposite").isLessThan(.25);
        assertThat(sums[2]).as("who says anything").isBetween(sums[1], .6);
    }
}
