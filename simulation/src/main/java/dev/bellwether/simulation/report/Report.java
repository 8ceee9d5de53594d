package dev.bellwether.simulation.report;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What came of a run; what could not be found out is null.
 *
 * @param feedback judgements that customers gave, acknowledged or not
 * @param failures calls that failed after all retries, by what failed and why
 * @param baseSatisfaction true satisfaction with the default policy's replies
 * @param bestOf64Satisfaction with the best of 64 of its replies: about the best that it could learn
 * @param finalSatisfaction with the champion's replies
 * @param gainShare (final − base) / (best of 64 − base)
 * @param feedbackLost acknowledged judgements that the topic {@code feedback} does not hold
 * @param feedbackDuplicated judgements in force more than once
 * @param feedbackUnrated acknowledged judgements of which nothing is in force
 * @param seconds from the first interaction to the last
 */
public record Report(
        long seed,
        long interactions,
        long feedback,
        Map<String, Long> feedbackByKind,
        Map<String, Long> failures,
        @Nullable Long pairs,
        List<Version> versions,
        @Nullable Double baseSatisfaction,
        @JsonProperty("best_of_64_satisfaction") @Nullable Double bestOf64Satisfaction,
        @Nullable Double finalSatisfaction,
        @Nullable Double gainShare,
        List<Refresh> refreshes,
        List<Decision> decisions,
        long feedbackAcknowledged,
        @Nullable Long feedbackLost,
        @Nullable Long feedbackDuplicated,
        @Nullable Long feedbackUnrated,
        double seconds) {

    /**
     * A version: what it served, the thumbs it got, and how its replies truly please.
     *
     * @param satisfactionError standard error of that
     * @param state {@code champion} or {@code promoted} (the champion, the latter by a rollout), {@code replaced} (a
     *     former champion), {@code waiting}, {@code refused} (by the release gate), or its rollout's phase
     */
    public record Version(
            String version,
            @Nullable String parent,
            long served,
            long up,
            long down,
            @Nullable Double satisfaction,
            @Nullable Double satisfactionError,
            @Nullable Double distinctReplies,
            @Nullable String state) {}

    /** A refresh and what its release gate said. */
    public record Refresh(
            String id,
            long judgements,
            long pairs,
            @Nullable Double rewardAccuracy,
            @Nullable Double kl,
            double seconds,
            String gate,
            List<String> reasons) {}

    /**
     * A step of a rollout, from phase to phase.
     *
     * @param at time as ISO 8601 in UTC
     * @param candidateShare share of users that meet the candidate from now on
     */
    public record Decision(
            String at, String version, String from, String to, double candidateShare, String why, double eValue) {}

    /** What is wrong with the acknowledged judgements: each is there, counts, and counts once; as far as looked at. */
    public List<String> faults() {
        List<String> faults = new ArrayList<>();
        fault(faults, feedbackLost, "acknowledged judgements are lost");
        fault(faults, feedbackDuplicated, "judgements count more than once");
        fault(
                faults,
                feedbackUnrated,
                "judgements are not joined to their interactions; does the feedback stream work?");
        return faults;
    }

    private static void fault(List<String> faults, @Nullable Long count, String what) {
        if (count != null && count > 0) {
            faults.add(count + " " + what);
        }
    }
}
