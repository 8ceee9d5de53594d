package dev.bellwether.event;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
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
            @Nullable String comment) implements FeedbackSignal {
        public Thumb {
            reasons = List.copyOf(reasons);
        }
    }

    /** {@code value} from 1 to 5. */
    record Rating(int value, @Nullable String comment) implements FeedbackSignal {
        /** Neither good nor bad. */
        public static final int MIDDLE = 3;

        public static final int MOST = 5;

        public Rating {
            if (value < 1 || value > MOST) {
                throw new IllegalArgumentException("a rating is %d, 1 to 5 are possible".formatted(value));
            }
        }
    }

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
    record Ranking(List<List<Integer>> order) implements FeedbackSignal {
        public Ranking {
            order = order.stream().map(List::copyOf).toList();
            Set<Integer> ranked = new HashSet<>();
            for (List<Integer> equals : order) {
                for (int index : equals) {
                    Valid.atLeast(0, index, "a ranked reply's index");
                    if (!ranked.add(index)) {
                        throw new IllegalArgumentException("reply %d is ranked twice".formatted(index));
                    }
                }
            }
        }
    }

    /** What the reply should have been. */
    record Edit(String text) implements FeedbackSignal {}

    record Flag(String category, @Nullable String comment) implements FeedbackSignal {}

    /** What a person did: {@code regenerated}, {@code copied}, {@code escalated}, {@code resolved}, … */
    record Signal(String name) implements FeedbackSignal {
        public Signal {
            Valid.named(name, "a signal's name");
        }
    }
}
