package dev.bellwether.event;

import java.util.List;
import java.util.Map;

/**
 * What a rollout decides by: first exposures and first judgements of each user in one experiment.
 *
 * @param exposures users by share and arm
 * @param votes first thumbs of users by share and arm
 * @param technical by arm
 */
public record PolicyScorecard(
        int schema,
        String bot,
        String experiment,
        long revision,
        List<Exposures> exposures,
        List<Votes> votes,
        Map<Arm, Technical> technical)
        implements Event {

    public PolicyScorecard {
        exposures = List.copyOf(exposures);
        votes = List.copyOf(votes);
        technical = Map.copyOf(technical);
    }

    /** Users who met the experiment first at {@code candidateShare} and in {@code arm}. */
    public record Exposures(double candidateShare, Arm arm, long users) {}

    /** First thumbs given on interactions served at {@code candidateShare} by {@code arm}. */
    public record Votes(double candidateShare, Arm arm, long up, long down) {}

    /** Interactions of an arm: all, those with an empty reply, those cut at the longest length, those flagged. */
    public record Technical(long served, long empty, long overlong, long flagged) {
        public static final Technical NONE = new Technical(0, 0, 0, 0);
    }
}
