package dev.bellwether.event;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

/**
 * One turn of a conversation.
 *
 * @param role {@code system}, {@code user}, {@code assistant} or {@code tool}
 * @param content its text; of a turn that only calls tools, empty
 * @param toolCalls OpenAI's {@code tool_calls} of an assistant's turn; none otherwise
 */
public record Message(String role, String content, @Nullable JsonNode toolCalls) {
    @JsonCreator
    public Message(
            @JsonProperty("role") String role,
            @JsonProperty("content") String content,
            @JsonProperty("tool_calls") @Nullable JsonNode toolCalls) {
        this.role = role;
        this.content = content;
        this.toolCalls = toolCalls == null || toolCalls.isNull() ? null : toolCalls;
    }

    public Message(String role, String content) {
        this(role, content, null);
    }
}
