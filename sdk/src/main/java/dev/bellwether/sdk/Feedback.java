package dev.bellwether.sdk;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One person's judgement of a turn; {@code choice} is the index of the reply that it is about. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Feedback.Thumb.class, name = "thumb"),
    @JsonSubTypes.Type(value = Feedback.Rating.class, name = "rating"),
    @JsonSubTypes.Type(value = Feedback.Preference.class, name = "preference"),
    @JsonSubTypes.Type(value = Feedback.Ranking.class, name = "ranking"),
    @JsonSubTypes.Type(value = Feedback.Edit.class, name = "edit"),
    @JsonSubTypes.Type(value = Feedback.Flag.class, name = "flag"),
    @JsonSubTypes.Type(value = Feedback.Signal.class, name = "signal")
})
public sealed interface Feedback {

    /** A thumb, with reasons from the bot's own list. */
    record Thumb(
            Direction value, List<String> reasons, @Nullable String comment, int choice) implements Feedback {
        public Thumb {
            reasons = List.copyOf(reasons);
        }

        public static Thumb up() {
            return new Thumb(Direction.UP, List.of(), null, 0);
        }

        public static Thumb down(String... reasons) {
            return new Thumb(Direction.DOWN, List.of(reasons), null, 0);
        }

        /** Which way a thumb points. */
        public enum Direction {
            @JsonProperty("up")
            UP,
            @JsonProperty("down")
            DOWN
        }
    }

    /** {@code value} from 1 to 5. */
    record Rating(int value, @Nullable String comment, int choice) implements Feedback {
        public static Rating of(int value) {
            return new Rating(value, null, 0);
        }
    }

    /** Which reply of a duel is better. */
    record Preference(Chosen chosen) implements Feedback {
        /** The outcome of a duel. */
        public enum Chosen {
            FIRST,
            SECOND,
            TIE,
            BOTH_BAD;

            @JsonValue
            Object wireName() {
                return switch (this) {
                    case FIRST -> 0;
                    case SECOND -> 1;
                    case TIE -> "tie";
                    case BOTH_BAD -> "both_bad";
                };
            }
        }
    }

    /** Replies by index, best first, equals together. */
    record Ranking(List<List<Integer>> order) implements Feedback {
        public Ranking {
            order = order.stream().map(List::copyOf).toList();
        }
    }

    /** What the reply should have been. */
    record Edit(String text, int choice) implements Feedback {
        public static Edit of(String text) {
            return new Edit(text, 0);
        }
    }

    /** Something that must not be said. */
    record Flag(Category category, @Nullable String comment, int choice) implements Feedback {
        public static Flag of(Category category) {
            return new Flag(category, null, 0);
        }

        /** What is wrong with it. */
        public enum Category {
            @JsonProperty("harmful")
            HARMFUL,
            @JsonProperty("biased")
            BIASED,
            @JsonProperty("private")
            PRIVATE,
            @JsonProperty("wrong")
            WRONG
        }
    }

    /** What a person did with the reply. */
    record Signal(Name name, int choice) implements Feedback {
        public static Signal of(Name name) {
            return new Signal(name, 0);
        }

        /** The acts that count. */
        public enum Name {
            @JsonProperty("regenerated")
            REGENERATED,
            @JsonProperty("copied")
            COPIED,
            @JsonProperty("escalated")
            ESCALATED,
            @JsonProperty("resolved")
            RESOLVED,
            @JsonProperty("abandoned")
            ABANDONED,
            @JsonProperty("shown")
            SHOWN
        }
    }
}
