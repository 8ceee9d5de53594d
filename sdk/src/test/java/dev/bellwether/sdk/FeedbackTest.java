package dev.bellwether.sdk;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.sdk.Feedback.Edit;
import dev.bellwether.sdk.Feedback.Flag;
import dev.bellwether.sdk.Feedback.Preference;
import dev.bellwether.sdk.Feedback.Ranking;
import dev.bellwether.sdk.Feedback.Rating;
import dev.bellwether.sdk.Feedback.Signal;
import dev.bellwether.sdk.Feedback.Thumb;
import java.util.List;
import org.junit.jupiter.api.Test;

class FeedbackTest {
    @Test
    void writesEveryKindAsTheServiceReadsIt() {
        assertThat(List.of(
                                new Thumb(Thumb.Direction.DOWN, List.of("wrong"), "No.", 1),
                                Rating.of(4),
                                new Preference(Preference.Chosen.SECOND),
                                new Preference(Preference.Chosen.BOTH_BAD),
                                new Ranking(List.of(List.of(0), List.of(2, 1))),
                                Edit.of("Better."),
                                Flag.of(Flag.Category.PRIVATE),
                                Signal.of(Signal.Name.REGENERATED))
                        .stream()
                        .map(Wire::write))
                .containsExactly(
                        "{\"kind\":\"thumb\",\"value\":\"down\",\"reasons\":[\"wrong\"],\"comment\":\"No.\",\"choice\":1}",
                        "{\"kind\":\"rating\",\"value\":4,\"choice\":0}",
                        "{\"kind\":\"preference\",\"chosen\":1}",
                        "{\"kind\":\"preference\",\"chosen\":\"both_bad\"}",
                        "{\"kind\":\"ranking\",\"order\":[[0],[2,1]]}",
                        "{\"kind\":\"edit\",\"text\":\"Better.\",\"choice\":0}",
                        "{\"kind\":\"flag\",\"category\":\"private\",\"choice\":0}",
                        "{\"kind\":\"signal\",\"name\":\"regenerated\",\"choice\":0}");
    }
}
