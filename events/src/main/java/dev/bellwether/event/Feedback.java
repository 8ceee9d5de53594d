package dev.bellwether.event;

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

    public Feedback {
        if ((signal == null) == (withdraws == null)) {
            throw new IllegalArgumentException("feedback %s is neither judgement nor withdrawal".formatted(feedbackId));
        }
    }
}
