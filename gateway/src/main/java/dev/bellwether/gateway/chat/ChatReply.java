package dev.bellwether.gateway.chat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.gateway.http.Json;
import dev.bellwether.gateway.serving.GeneratedReply;
import dev.bellwether.gateway.serving.Totals;
import java.time.Instant;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/** OpenAI's objects for one interaction: the whole completion, or the chunks of a stream. */
record ChatReply(String interactionId, String bot, String conversationId, Instant created) {

    private ObjectNode envelope(String object) {
        return Json.object()
                .put("id", "chatcmpl-" + interactionId)
                .put("object", object)
                .put("created", created.getEpochSecond())
                .put("model", bot);
    }

    ObjectNode completion(SortedMap<Integer, GeneratedReply> replies, Totals totals, @Nullable String token) {
        ObjectNode json = envelope("chat.completion");
        ArrayNode choices = json.putArray("choices");
        replies.forEach((index, reply) -> {
            ObjectNode choice = choices.addObject().put("index", index);
            choice.set("message", message(reply));
            choice.putNull("logprobs").put("finish_reason", reply.finishReason());
            if (reply.beside() != null) {
                choice.setAll(reply.beside());
            }
        });
        json.set("usage", usage(totals));
        if (totals.beside() != null) {
            json.setAll(totals.beside());
        }
        extend(json, token);
        return json;
    }

    private static ObjectNode message(GeneratedReply reply) {
        if (reply.message() != null) {
            return reply.message();
        }
        return Json.object()
                .put("role", "assistant")
                .put("content", reply.text())
                .putNull("refusal");
    }

    private static ObjectNode usage(Totals totals) {
        if (totals.usage() != null) {
            return totals.usage();
        }
        return Json.object()
                .put("prompt_tokens", totals.promptTokens())
                .put("completion_tokens", totals.completionTokens())
                .put("total_tokens", totals.promptTokens() + totals.completionTokens());
    }

    private void extend(ObjectNode json, @Nullable String token) {
        ObjectNode extension = json.putObject("bellwether")
                .put("interaction_id", interactionId)
                .put("conversation_id", conversationId);
        if (token != null) {
            extension.put("feedback_token", token);
        }
    }

    ObjectNode delta(int choice, ObjectNode delta, @Nullable ObjectNode beside) {
        return chunk(choice, delta, null, beside);
    }

    private ObjectNode chunk(int choice, ObjectNode delta, @Nullable String finishReason, @Nullable ObjectNode beside) {
        ObjectNode json = envelope("chat.completion.chunk");
        ObjectNode first = json.putArray("choices").addObject().put("index", choice);
        first.set("delta", delta);
        first.putNull("logprobs").put("finish_reason", finishReason);
        if (beside != null) {
            first.setAll(beside);
        }
        return json;
    }

    ObjectNode end(int choice, String finishReason) {
        return chunk(choice, Json.object(), finishReason, null);
    }

    /** The last chunk with a choice, which carries the extension. */
    ObjectNode lastEnd(int choice, String finishReason, @Nullable String token) {
        ObjectNode json = end(choice, finishReason);
        extend(json, token);
        return json;
    }

    ObjectNode usageChunk(Totals totals) {
        ObjectNode json = envelope("chat.completion.chunk");
        json.putArray("choices");
        json.set("usage", usage(totals));
        return json;
    }
}
