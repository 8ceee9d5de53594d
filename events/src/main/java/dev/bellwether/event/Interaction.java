package dev.bellwether.event;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One turn that a gateway served.
 *
 * @param prompt the conversation up to and with the user's turn
 * @param replies one, two of a duel, or as many as were asked for
 * @param userHash the end user; none when the caller named none
 * @param experiment the rollout that was under way; none otherwise
 * @param candidateShare probability of the candidate at that moment
 * @param holdout the comparison with a hold-out that the user is in, on either side; none otherwise
 * @param answer who answered and what it took; none in records of before
 * @param complete false when the client left before the end; such a reply cannot be judged
 */
public record Interaction(
        int schema,
        String interactionId,
        String bot,
        String conversationId,
        @Nullable String userHash,
        List<Message> prompt,
        List<Reply> replies,
        @Nullable String experiment,
        Arm arm,
        double candidateShare,
        AssignmentReason reason,
        @JsonProperty("complete") boolean complete,
        long latencyMillis,
        long time,
        Map<String, String> attributes,
        @Nullable Answer answer,
        @Nullable String holdout)
        implements Event {

    public Interaction {
        Valid.named(interactionId, "interaction_id");
        Valid.named(bot, "bot");
        Valid.named(conversationId, "conversation_id");
        Valid.share(candidateShare, "candidate_share");
        Valid.atLeast(0, latencyMillis, "latency_millis");
        prompt = List.copyOf(prompt);
        replies = List.copyOf(replies);
        attributes = Map.copyOf(attributes);
    }

    /** Whether another version than the assigned one replied, because that one failed. */
    public boolean fallback() {
        return answer != null && !answer.failures().isEmpty();
    }

    public boolean duel() {
        return replies.size() > 1;
    }

    /** Whether it was a duel of the replies that the reward model doubted most. */
    public boolean doubted() {
        return answer != null && Boolean.TRUE.equals(answer.doubted());
    }

    /** Whether it was a duel that first asked the other arm's version, in vain. */
    public boolean rivalFailed() {
        return answer != null && answer.rival() != null;
    }

    /** Whether it was a duel between the two arms of a rollout. */
    public boolean acrossArms() {
        return replies.stream().map(Reply::version).distinct().count() > 1;
    }
}
