package dev.bellwether.gateway.chat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.bellwether.event.Message;
import dev.bellwether.gateway.http.ApiException;
import dev.bellwether.gateway.http.JsonFields;
import dev.bellwether.gateway.http.JsonFields.Naming;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The messages of a request: what is recorded of them, and what of them a bot of texts alone cannot read. */
final class Messages {
    private static final List<String> ROLES = List.of("system", "developer", "user", "assistant", "tool", "function");
    private static final Set<String> TOOL_ROLES = Set.of("tool", "function");

    private final List<Message> recorded = new ArrayList<>();
    private @Nullable ApiException beyondText;

    private Messages() {}

    static Messages read(JsonFields request) {
        JsonNode list = request.get("messages");
        if (!list.isArray() || list.isEmpty()) {
            throw request.refusal("messages", "'messages' must be a list with at least one message.");
        }
        Messages messages = new Messages();
        for (int i = 0; i < list.size(); i++) {
            messages.add(list.get(i), "messages[%d]".formatted(i));
        }
        Message last = messages.recorded.getLast();
        if (!last.role().equals("user") || JsonFields.blank(last.content())) {
            messages.beyond(ApiException.field(
                    422,
                    "empty_prompt",
                    "messages",
                    "The last message must be the user's and not be empty; this bot answers it."));
        }
        return messages;
    }

    private void beyond(ApiException refusal) {
        if (beyondText == null) {
            beyondText = refusal;
        }
    }

    private void add(JsonNode message, String at) {
        JsonFields fields = JsonFields.of(message, at, Naming.PATH);
        if (!message.isObject()) {
            throw ApiException.field(400, "invalid_value", at, "A message must be an object.");
        }
        String role = fields.oneOf("role", ROLES);
        if (TOOL_ROLES.contains(role)) {
            beyond(fields.refusal("role", "This bot uses no tools; the role '%s' is not for it.".formatted(role)));
        }
        for (String field : List.of("tool_calls", "function_call", "audio")) {
            JsonNode value = fields.get(field);
            if (!value.isMissingNode() && !(value.isContainerNode() && value.isEmpty())) {
                beyond(fields.refusal(field, "This bot reads texts alone; '%s' is not for it.".formatted(field)));
            }
        }
        JsonNode calls = fields.list("tool_calls");
        recorded.add(new Message(recordedRole(role), content(fields, role), calls.isEmpty() ? null : calls));
    }

    private static String recordedRole(String role) {
        return switch (role) {
            case "developer" -> "system";
            case "function" -> "tool";
            default -> role;
        };
    }

    /** A text, or OpenAI's list of parts, each on a line of its own. */
    private String content(JsonFields message, String role) {
        JsonNode content = message.get("content");
        if (content.isTextual()) {
            return content.textValue();
        }
        if (content.isMissingNode() && !role.equals("user")) {
            return "";
        }
        if (!content.isArray()) {
            throw message.refusal("content", "'content' must be a text or a list of parts.");
        }
        List<String> parts = new ArrayList<>();
        for (int i = 0; i < content.size(); i++) {
            parts.add(part(message, content.get(i), "content[%d]".formatted(i)));
        }
        return String.join("\n", parts);
    }

    private String part(JsonFields message, JsonNode part, String at) {
        String type = part.path("type").asText("");
        String field = type.equals("refusal") ? "refusal" : "text";
        if (type.equals("text") || type.equals("refusal")) {
            if (!part.path(field).isTextual()) {
                throw message.refusal(at + "." + field, "'%s' of a part must be a text.".formatted(field));
            }
            return part.path(field).textValue();
        }
        if (!part.path("type").isTextual()) {
            throw message.refusal(at + ".type", "A part needs a 'type', such as 'text'.");
        }
        beyond(message.refusal(at, "This bot reads texts alone, no part of the type '%s'.".formatted(type)));
        return "[%s]".formatted(type);
    }

    List<Message> recorded() {
        return List.copyOf(recorded);
    }

    Optional<ApiException> beyondText() {
        return Optional.ofNullable(beyondText);
    }
}
