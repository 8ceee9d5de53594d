package dev.bellwether.simulation.measurement;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.simulation.question.Question;
import dev.bellwether.simulation.question.Questions;
import dev.bellwether.simulation.taste.Facts;
import dev.bellwether.simulation.taste.Rule;
import dev.bellwether.simulation.taste.Taste;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ScenarioTest {
    private static final Taste TASTE = new Taste(.5, .1, .5, List.of(new Rule.Always(0)));

    private final List<String> warnings = new ArrayList<>();

    private List<Question> asked(int count) {
        List<Question> questions = IntStream.range(0, count)
                .mapToObj(i -> new Question("question " + i, "card"))
                .toList();
        return new Scenario(new Questions(questions), TASTE, new Facts(Map.of())).asked(warnings::add);
    }

    @Test
    void saysWhenCustomersAskWhatIsMeasuredWith() {
        assertThat(asked(500)).hasSize(500);
        assertThat(warnings).singleElement().asString().contains("flattered", "100");
    }

    @Test
    void saysNothingWhereEnoughQuestionsAreHeldOut() {
        assertThat(asked(2_000)).hasSizeLessThan(1_900);
        assertThat(warnings).isEmpty();
    }
}
