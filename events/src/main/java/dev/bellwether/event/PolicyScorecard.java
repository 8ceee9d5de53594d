package dev.bellwether.event;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import java.util.List;
import java.util.Map;

/**
 * What a rollout decides by: of each user in one experiment the first exposure and the first event of each kind.
 *
 * @param exposures users by share and arm
 * @param votes users with a thumb up, and users with a thumb down, by share and arm
 * @param technical users by arm
 * @param events users by share, arm and kind; none in scorecards of before
 * @param met users by share and arm, those once more who met it at another share before; none likewise
 */
public record PolicyScorecard(
        int schema,
        String bot,
        String experiment,
        long revision,
        List<Exposures> exposures,
        List<Votes> votes,
        Map<Arm, Technical> technical,

        @JsonSetter(nulls = Nulls.AS_EMPTY) @JsonInclude(JsonInclude.Include.NON_EMPTY)
        List<Events> events,

        @JsonSetter(nulls = Nulls.AS_EMPTY) @JsonInclude(JsonInclude.Include.NON_EMPTY)
        List<Exposures> met)
        implements Event {

    public PolicyScorecard {
        Valid.named(bot, "bot");
        Valid.named(experiment, "experiment");
        Valid.atLeast(0, revision, "revision");
        exposures = List.copyOf(exposures);
        votes = List.copyOf(votes);
        technical = Map.copyOf(technical);
        events = List.copyOf(events);
        met = List.copyOf(met);
    }

    /** One on which nothing is counted yet. */
    public static PolicyScorecard empty(String bot, String experiment) {
        return new PolicyScorecard(SCHEMA, bot, experiment, 0, List.of(), List.of(), Map.of(), List.of(), List.of());
    }

    /** Users who met the experiment first at {@code candidateShare} and in {@code arm}. */
    public record Exposures(double candidateShare, Arm arm, long users) {
        public Exposures {
            Valid.share(candidateShare, "candidate_share");
            Valid.atLeast(0, users, "users");
        }
    }

    /** First thumbs given on interactions served at {@code candidateShare} by {@code arm}. */
    public record Votes(double candidateShare, Arm arm, long up, long down) {
        public Votes {
            Valid.share(candidateShare, "candidate_share");
            Valid.atLeast(0, up, "up");
            Valid.atLeast(0, down, "down");
        }
    }

    /** Users of an arm: all, those with an empty reply, with one cut at the longest length, with one that they flagged. */
    public record Technical(long served, long empty, long overlong, long flagged) {
        public static final Technical NONE = new Technical(0, 0, 0, 0);

        public Technical {
            Valid.atLeast(0, served, "served");
            Valid.atLeast(0, empty, "empty");
            Valid.atLeast(0, overlong, "overlong");
            Valid.atLeast(0, flagged, "flagged");
        }
    }

    /** Users to whom it happened first at {@code candidateShare} and in {@code arm}. */
    public record Events(double candidateShare, Arm arm, Kind kind, long users) {
        public Events {
            Valid.share(candidateShare, "candidate_share");
            Valid.atLeast(0, users, "users");
        }
    }

    /** What may happen to a user in an experiment. */
    public enum Kind {
        /** Any thumb: who votes. */
        @JsonProperty("voted")
        VOTED,
        @JsonProperty("flagged")
        FLAGGED,
        /** The assigned version did not answer, in time or at all, whoever answered instead. */
        @JsonProperty("failed")
        FAILED,
        /** The reply took longer than the bot's limit. */
        @JsonProperty("slow")
        SLOW,
        @JsonProperty("empty")
        EMPTY,
        /** Cut at the longest length. */
        @JsonProperty("overlong")
        OVERLONG,
        /** The reply says the same again and again. */
        @JsonProperty("repeated")
        REPEATED,
        /** The arm's reply was preferred in the user's first duel between the arms. */
        @JsonProperty("preferred")
        PREFERRED
    }
}
