package dev.bellwether.gateway.chat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.gateway.http.Json;
import dev.bellwether.gateway.serving.LocalPolicy.GeneratedReply;
import java.time.Instant;
import java.util.List;
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

    ObjectNode completion(List<GeneratedReply> replies, int promptTokens, @Nullable String token) {
        ObjectNode json = envelope("chat.completion");
        ArrayNode choices = json.putArray("choices");
        for (int i = 0; i < replies.size(); i++) {
            ObjectNode choice = choices.addObject().put("index", i);
            choice.putObject("message")
                    .put("role", "assistant")
                    .put("content", replies.get(i).text())
                    .putNull("refusal");
            choice.putNull("logprobs").put("finish_reason", replies.get(i).finishReason());
        }
        json.set("usage", usage(replies, promptTokens));
        extend(json, token);
        return json;
    }

    private static ObjectNode usage(List<GeneratedReply> replies, int promptTokens) {
        int tokens = replies.stream().mapToInt(GeneratedReply::tokens).sum();
        return Json.object()
                .put("prompt_tokens", promptTokens)
                .put("completion_tokens", tokens)
                .put("total_tokens", promptTokens + tokens);
    }

    private void extend(ObjectNode json, @Nullable String token) {
        ObjectNode extension = json.putObject("bellwether")
                .put("interaction_id", interactionId)
                .put("conversation_id", conversationId);
        if (token != null) {
            extension.put("feedback_token", token);
        }
    }

    private ObjectNode chunk(int choice, ObjectNode delta, @Nullable String finishReason) {
        ObjectNode json = envelope("chat.completion.chunk");
        ObjectNode first = json.putArray("choices").addObject().put("index", choice);
        first.set("delta", delta);
        first.putNull("logprobs").put("finish_reason", finishReason);
        return json;
    }

    ObjectNode opening(int choice) {
        return chunk(choice, Json.object().put("role", "assistant").put("content", ""), null);
    }

    ObjectNode text(int choice, String text) {
        return chunk(choice, Json.object().put("content", text), null);
    }

    ObjectNode end(int choice, String finishReason) {
        return chunk(choice, Json.object(), finishReason);
    }

    /** The last chunk with a choice, which carries the extension. */
    ObjectNode lastEnd(int choice, String finishReason, @Nullable String token) {
        ObjectNode json = end(choice, finishReason);
        extend(json, token);
        return json;
    }

    ObjectNode usageChunk(List<GeneratedReply> replies, int promptTokens) {
        ObjectNode json = envelope("chat.completion.chunk");
        json.putArray("choices");
        json.set("usage", usage(replies, promptTokens));
        return json;
    }
}
