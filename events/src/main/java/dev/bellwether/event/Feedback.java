package dev.bellwether.event;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One person's judgement of an interaction, or the withdrawal of an earlier one.
 *
 * @param choice the reply that is judged
 * @param userHash the judge; none counts as one unnamed person for each interaction
 * @param signal what was expressed; none in a withdrawal
 * @param withdraws id of the feedback taken back; none in a judgement
 */
public record Feedback(
        int schema,
        String feedbackId,
        String interactionId,
        int choice,
        @Nullable String userHash,
        Source source,
        @Nullable FeedbackSignal signal,
        @Nullable String withdraws,
        long time)
        implements Event {
    /** Of one person so many judgements a day are learned from, and the others only recorded. */
    public static final int COUNTED_A_DAY_MAX = 20;

    public Feedback {
        Valid.named(feedbackId, "feedback_id");
        Valid.named(interactionId, "interaction_id");
        Valid.atLeast(0, choice, "choice");
        if ((signal == null) == (withdraws == null)) {
            throw new IllegalArgumentException("feedback %s is neither judgement nor withdrawal".formatted(feedbackId));
        }
    }

    /** Whether it judges something that {@code interaction} has. */
    public boolean fits(Interaction interaction) {
        int replies = interaction.replies().size();
        return choice < replies
                && (!(signal instanceof FeedbackSignal.Ranking ranking)
                        || ranking.order().stream().flatMap(List::stream).allMatch(index -> index < replies));
    }
}
