package dev.bellwether.policy.prompt;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** One message of a conversation; the role is {@code system}, {@code user} or {@code assistant}. */
public record Turn(String role, String content) {
    public static Turn user(String content) {
        return new Turn("user", content);
    }

    public static Turn assistant(String content) {
        return new Turn("assistant", content);
    }

    /**
     * A message of the chat API as a turn that every prompt template knows: what a tool answered is the user's, and an
     * assistant's message that only calls tools says those calls as JSON.
     *
     * @param toolCalls of an assistant's message; none otherwise
     */
    public static Turn of(String role, String content, @Nullable JsonNode toolCalls) {
        return switch (role) {
            case "system", "developer" -> new Turn("system", content);
            case "assistant" -> assistant(said(content, toolCalls));
            default -> user(content);
        };
    }

    /** What an assistant's message says: its text, or the tools that it calls where it has none. */
    public static String said(String content, @Nullable JsonNode toolCalls) {
        if (!content.isBlank() || toolCalls == null || toolCalls.isEmpty()) {
            return content;
        }
        // JSON can hold half a character, which no tokenizer reads.
        byte[] wellFormed = toolCalls.toString().getBytes(StandardCharsets.UTF_8);
        return new String(wellFormed, StandardCharsets.UTF_8);
    }
}
