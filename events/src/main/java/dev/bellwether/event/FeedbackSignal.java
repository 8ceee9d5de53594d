package dev.bellwether.event;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a person expressed. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
@JsonSubTypes({
    @JsonSubTypes.Type(value = FeedbackSignal.Thumb.class, name = "thumb"),
    @JsonSubTypes.Type(value = FeedbackSignal.Rating.class, name = "rating"),
    @JsonSubTypes.Type(value = FeedbackSignal.Preference.class, name = "preference"),
    @JsonSubTypes.Type(value = FeedbackSignal.Ranking.class, name = "ranking"),
    @JsonSubTypes.Type(value = FeedbackSignal.Edit.class, name = "edit"),
    @JsonSubTypes.Type(value = FeedbackSignal.Flag.class, name = "flag"),
    @JsonSubTypes.Type(value = FeedbackSignal.Signal.class, name = "signal")
})
public sealed interface FeedbackSignal {

    /** The name under which judgements of this kind replace one another. */
    default String kind() {
        return switch (this) {
            case Thumb thumb -> "thumb";
            case Rating rating -> "rating";
            case Preference preference -> "preference";
            case Ranking ranking -> "ranking";
            case Edit edit -> "edit";
            case Flag flag -> "flag";
            case Signal signal -> "signal:" + signal.name();
        };
    }

    record Thumb(
            @JsonProperty("up") boolean up,
            List<String> reasons,
            @Nullable String comment) implements FeedbackSignal {}

    /** {@code value} from 1 to 5. */
    record Rating(int value, @Nullable String comment) implements FeedbackSignal {}

    /** The outcome of a duel. */
    record Preference(Outcome outcome) implements FeedbackSignal {}

    /** Which reply of a duel was preferred. */
    enum Outcome {
        FIRST,
        SECOND,
        TIE,
        BOTH_BAD
    }

    /** Replies by index, best first, equals together. */
    record Ranking(List<List<Integer>> order) implements FeedbackSignal {}

    /** What the reply should have been. */
    record Edit(String text) implements FeedbackSignal {}

    record Flag(String category, @Nullable String comment) implements FeedbackSignal {}

    /** What a person did: {@code regenerated}, {@code copied}, {@code escalated}, {@code resolved}, … */
    record Signal(String name) implements FeedbackSignal {}
}
