package dev.bellwether.sdk;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A bot's answer.
 *
 * @param choices the reply, or two of a duel
 * @param usage empty when the service did not count
 * @param interactionId names this turn
 * @param feedbackToken the right to judge this turn; empty when it could not be recorded
 */
public record ChatResponse(
        String id,
        String bot,
        List<Choice> choices,
        Optional<Usage> usage,
        String interactionId,
        String conversationId,
        Optional<String> feedbackToken) {
    public ChatResponse {
        choices = List.copyOf(choices);
    }

    /** One reply; {@code finishReason} is {@code stop}, or {@code length} when it was cut. */
    public record Choice(int index, String text, String finishReason) {}

    public record Usage(int promptTokens, int completionTokens, int totalTokens) {}

    /** The text of the first reply. */
    public String text() {
        return choices.isEmpty() ? "" : choices.get(0).text();
    }

    /** Whether there are two replies to choose from. */
    public boolean duel() {
        return choices.size() == 2;
    }

    static ChatResponse of(JsonNode json) {
        List<Choice> choices = new ArrayList<>();
        for (JsonNode choice : json.path("choices")) {
            choices.add(new Choice(
                    choice.path("index").asInt(),
                    choice.path("message").path("content").asText(""),
                    choice.path("finish_reason").asText("")));
        }
        return of(json, choices, json.path("usage"), json.path("bellwether"));
    }

    static ChatResponse of(JsonNode envelope, List<Choice> choices, JsonNode usage, JsonNode extension) {
        String id = envelope.path("id").asText("");
        String interaction = extension.path("interaction_id").asText(id);
        return new ChatResponse(
                id,
                envelope.path("model").asText(""),
                choices,
                usage.isObject() ? Optional.of(usage(usage)) : Optional.empty(),
                interaction,
                extension.path("conversation_id").asText(interaction),
                Optional.ofNullable(extension.path("feedback_token").asText(null)));
    }

    private static Usage usage(JsonNode json) {
        return new Usage(
                json.path("prompt_tokens").asInt(),
                json.path("completion_tokens").asInt(),
                json.path("total_tokens").asInt());
    }
}
