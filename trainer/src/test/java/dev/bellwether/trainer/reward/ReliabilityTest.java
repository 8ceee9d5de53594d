package dev.bellwether.trainer.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReliabilityTest {
    private static final double USUAL = .1;

    private static List<Reliability.Opinion> said(String person, int judgements, double margin) {
        return Collections.nCopies(judgements, new Reliability.Opinion(person, margin));
    }

    /** Among many whom the reward model agrees with four times of five. */
    private static Reliability among(List<Reliability.Opinion> more) {
        List<Reliability.Opinion> opinions = new ArrayList<>(more);
        for (int i = 0; i < 50; i++) {
            opinions.addAll(said("person-" + i, 8, 1));
            opinions.addAll(said("person-" + i, 2, -1));
        }
        return new Reliability(opinions, USUAL);
    }

    @Test
    void believesWhoSaysWhatPeopleSay() {
        Reliability found = among(said("mia", 10, -1));
        assertThat(found.of("person-3")).isCloseTo(1, within(.05));
        assertThat(found.of("mia")).as("the opposite of everything").isZero();
    }

    @Test
    void assumesNothingOfOneWhoSaidLittle() {
        assertThat(among(said("mia", Reliability.JUDGEMENTS_LEAST - 1, -1)).of("mia"))
                .isEqualTo(1);
        assertThat(among(List.of()).of("tom")).isEqualTo(1);
    }

    @Test
    void believesEverybodyOfWhomTheRewardModelKnowsNothing() {
        Random random = new Random(1);
        List<Reliability.Opinion> opinions = new ArrayList<>();
        for (int i = 0; i < 600; i++) {
            opinions.add(new Reliability.Opinion("person-" + i % 60, random.nextGaussian()));
        }
        Reliability found = new Reliability(opinions, USUAL);
        for (int i = 0; i < 60; i++) {
            assertThat(found.of("person-" + i)).isGreaterThan(.7);
        }
    }

    /** Sixty people with ten judgements each, three of ten adverse, however sure the reward model is of itself. */
    @ParameterizedTest
    @ValueSource(doubles = {.1, 1, 5})
    void tellsPeopleApartHoweverSureTheRewardModelIsOfItself(double scale) {
        Random random = new Random(7);
        List<Reliability.Opinion> opinions = new ArrayList<>();
        for (int person = 0; person < 60; person++) {
            for (int i = 0; i < 10; i++) {
                double difference = 2 * random.nextGaussian();
                boolean meant = random.nextDouble() < RewardLoss.sigmoid(difference);
                boolean said = meant != random.nextDouble() < (person % 10 < 3 ? .9 : .1);
                opinions.add(new Reliability.Opinion("person-" + person, scale * (said ? difference : -difference)));
            }
        }
        Reliability found = new Reliability(opinions, USUAL);
        double honest = 0;
        double adverse = 0;
        for (int person = 0; person < 60; person++) {
            if (person % 10 < 3) {
                adverse += found.of("person-" + person) / 18;
            } else {
                honest += found.of("person-" + person) / 42;
            }
        }
        assertThat(honest).isGreaterThan(.8);
        assertThat(adverse).isLessThan(.15);
    }
}
