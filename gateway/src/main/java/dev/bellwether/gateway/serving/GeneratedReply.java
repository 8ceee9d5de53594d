package dev.bellwether.gateway.serving;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.policy.engine.Completion;
import org.jspecify.annotations.Nullable;

/**
 * A finished reply.
 *
 * @param text empty where it only calls tools
 * @param finishReason {@code stop}, {@code length}, or another word of the upstream's
 * @param tokens 0 where the upstream does not say
 * @param message OpenAI's message as the upstream sent it; none of a local policy
 * @param beside what stood beside the message in its choice, such as {@code logprobs}; none of a local policy
 * @param sampled the tokens of a local policy's; none of an upstream's
 */
public record GeneratedReply(
        String text,
        String finishReason,
        int tokens,
        @Nullable ObjectNode message,
        @Nullable ObjectNode beside,
        @Nullable Completion sampled) {

    /** A local policy's: a text and nothing else. */
    static GeneratedReply local(String text, String finishReason, Completion sampled) {
        return new GeneratedReply(text, finishReason, sampled.tokens().length, null, null, sampled);
    }

    /** An upstream's. */
    static GeneratedReply upstream(
            String text, String finishReason, @Nullable ObjectNode message, @Nullable ObjectNode beside) {
        return new GeneratedReply(text, finishReason, 0, message, beside, null);
    }

    /** The tools that it calls, as OpenAI writes them. */
    public @Nullable JsonNode toolCalls() {
        JsonNode calls = message == null ? null : message.get("tool_calls");
        return calls == null || calls.isEmpty() ? null : calls;
    }
}
