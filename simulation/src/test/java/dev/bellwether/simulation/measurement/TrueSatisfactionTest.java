package dev.bellwether.simulation.measurement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.simulation.question.Questions;
import dev.bellwether.simulation.taste.Facts;
import dev.bellwether.simulation.taste.Rule;
import dev.bellwether.simulation.taste.Satisfaction;
import dev.bellwether.simulation.taste.Taste;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TrueSatisfactionTest {
    private static final double SIGMA_2 = 0.8807971;
    private static final TrueSatisfaction MEASURE = TrueSatisfaction.of(
            new Satisfaction(
                    new Taste(0.3, 0.1, 0.5, List.of(new Rule.OnTopic(2))),
                    new Facts(Map.of("card", List.of("monday"))),
                    1),
            new Questions(List.of()),
            new PolicySampler(0.7, 96, 1),
            TrueSatisfaction.Effort.FULL);
    private static final List<ReplySample> SAMPLES = List.of(
            new ReplySample("Where?", "card", List.of("On Monday.", "No.")),
            new ReplySample("When?", "card", List.of("No.", "Nope.")));

    /** One reply of four scores 2, centre 1, temperature ½: (σ(2) + 3 σ(−2)) / 4. */
    @Test
    void averagesOverReplies() {
        TrueSatisfaction.Measurement measurement = MEASURE.of(SAMPLES);

        assertThat(measurement.satisfaction()).isCloseTo((SIGMA_2 + 3 * (1 - SIGMA_2)) / 4, within(1e-6));
        assertThat(measurement.standardError())
                .as("the questions' means are 1/2 and σ(−2): half of their difference")
                .isCloseTo((0.5 - (1 - SIGMA_2)) / 2, within(1e-6));
        assertThat(measurement.meanScore()).isEqualTo(0.5);
        assertThat(measurement.questions()).isEqualTo(2);
    }

    @Test
    void countsTheQuestionsThatGetAReplyOfTheirOwn() {
        List<ReplySample> alike = List.of(
                new ReplySample("Where?", "card", List.of("No.", "On Monday.")),
                new ReplySample("When?", "card", List.of("No.", "Nope.")));
        assertThat(MEASURE.of(alike).distinctReplies()).isEqualTo(0.5);
        assertThat(MEASURE.of(SAMPLES).distinctReplies()).isEqualTo(1);
    }

    @Test
    void takesTheBestReplyOfEachQuestion() {
        assertThat(MEASURE.bestOf(SAMPLES)).isCloseTo(0.5, within(1e-6));
    }
}
