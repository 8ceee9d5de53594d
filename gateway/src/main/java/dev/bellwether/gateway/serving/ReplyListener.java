package dev.bellwether.gateway.serving;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/**
 * Follows the replies to one {@link Ask}; called on the event loop that asked. {@link #onDone} or {@link #onFailure}
 * comes once and last; after a cancellation nothing needs to come.
 */
public interface ReplyListener {
    /**
     * A piece of a reply, where pieces are wanted; the first one means that generation has begun.
     *
     * @param delta in OpenAI's words, such as {@code {"content": "…"}}
     * @param beside what stands beside the delta in its choice; none of a local policy
     */
    void onDelta(int choice, ObjectNode delta, @Nullable ObjectNode beside);

    void onEnd(int choice, GeneratedReply reply);

    /** All replies have ended. */
    void onDone(Totals totals);

    void onFailure(PolicyException failure);
}
