package dev.bellwether.gateway.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.gateway.http.ApiException;
import dev.bellwether.policy.prompt.Turn;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The body of a chat completion, checked. */
record ChatRequest(
        String model,
        List<Turn> turns,
        boolean stream,
        boolean includeUsage,
        int n,
        OptionalDouble temperature,
        OptionalDouble topP,
        OptionalInt completionTokensMax,
        List<String> stops,
        OptionalLong seed,
        @Nullable String user,
        @Nullable String conversationId,
        Duel duel,
        Map<String, String> attributes) {
    private static final int CHOICES_MAX = 4;
    private static final int STOPS_MAX = 4;
    private static final int METADATA_MAX = 16;
    private static final Set<String> EXTENSION = Set.of("conversation_id", "duel", "attributes");
    private static final Set<String> KNOWN = Set.of(
            "model",
            "messages",
            "stream",
            "stream_options",
            "n",
            "temperature",
            "top_p",
            "max_completion_tokens",
            "max_tokens",
            "stop",
            "seed",
            "user",
            "safety_identifier",
            "metadata",
            "store",
            "bellwether");

    /** Whether two replies may be offered to choose from. */
    enum Duel {
        AUTO,
        NEVER,
        ALWAYS
    }

    static ChatRequest parse(ObjectNode json) {
        for (Map.Entry<String, JsonNode> field : json.properties()) {
            if (!KNOWN.contains(field.getKey()) && !neutral(field.getValue())) {
                throw bad(field.getKey(), "The field '%s' is not supported by this bot.".formatted(field.getKey()));
            }
        }
        JsonNode extension = object(json, "bellwether");
        extension.properties().forEach(field -> {
            if (!EXTENSION.contains(field.getKey())) {
                throw bad(
                        "bellwether." + field.getKey(),
                        "'bellwether' has no field '%s'; it has conversation_id, duel and attributes."
                                .formatted(field.getKey()));
            }
        });
        Map<String, String> attributes = pairs(object(json, "metadata"), "metadata");
        attributes.putAll(pairs(object(extension, "attributes"), "bellwether.attributes"));
        return new ChatRequest(
                text(json, "model").orElseThrow(() -> bad("model", "Name the bot in the field 'model'.")),
                turns(json.path("messages")),
                flag(json, "stream"),
                flag(object(json, "stream_options"), "include_usage"),
                integer(json, "n", 1, CHOICES_MAX).orElse(1),
                number(json, "temperature", 0, 2),
                number(json, "top_p", 1e-6, 1),
                completionTokens(json),
                stops(json.path("stop")),
                longInteger(json, "seed"),
                text(json, "user").or(() -> text(json, "safety_identifier")).orElse(null),
                text(extension, "conversation_id").orElse(null),
                duel(extension),
                attributes);
    }

    private static ApiException bad(String field, String message) {
        return ApiException.field(400, "invalid_value", field, message);
    }

    private static boolean neutral(JsonNode value) {
        return value.isNull()
                || (value.isNumber() && value.asDouble() == 0)
                || (value.isBoolean() && !value.asBoolean())
                || (value.isContainerNode() && value.isEmpty())
                || (value.isTextual() && value.asText().isEmpty());
    }

    private static List<Turn> turns(JsonNode messages) {
        if (!messages.isArray() || messages.isEmpty()) {
            throw bad("messages", "'messages' must be a list with at least one message.");
        }
        List<Turn> turns = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            String at = "messages[%d]".formatted(i);
            String role = messages.get(i).path("role").asText("");
            if (!Set.of("system", "developer", "user", "assistant").contains(role)) {
                throw bad(
                        at + ".role",
                        "The role '%s' is not one of system, developer, user, assistant.".formatted(role));
            }
            turns.add(new Turn(
                    role.equals("developer") ? "system" : role,
                    content(messages.get(i).path("content"), at + ".content")));
        }
        if (!turns.getLast().role().equals("user") || turns.getLast().content().isBlank()) {
            throw ApiException.field(
                    422, "empty_prompt", "messages", "The last message must be the user's and not be empty.");
        }
        return turns;
    }

    /** A text, or OpenAI's list of text parts. */
    private static String content(JsonNode content, String at) {
        if (content.isTextual()) {
            return content.asText();
        }
        StringBuilder text = new StringBuilder();
        if (content.isArray()) {
            for (JsonNode part : content) {
                if (!part.path("type").asText("").equals("text")) {
                    throw bad(at, "Only parts of the type 'text' are supported.");
                }
                text.append(part.path("text").asText(""));
            }
            return text.toString();
        }
        throw bad(at, "'content' must be a text.");
    }

    private static Optional<String> text(JsonNode json, String field) {
        JsonNode value = json.path(field);
        if (value.isMissingNode() || value.isNull()) {
            return Optional.empty();
        }
        if (!value.isTextual() || value.asText().isBlank() || value.asText().length() > 512) {
            throw bad(field, "'%s' must be a text of 1 to 512 characters.".formatted(field));
        }
        return Optional.of(value.asText());
    }

    private static JsonNode object(JsonNode json, String field) {
        JsonNode value = json.path(field);
        if (!value.isMissingNode() && !value.isNull() && !value.isObject()) {
            throw bad(field, "'%s' must be an object.".formatted(field));
        }
        return value;
    }

    private static boolean flag(JsonNode json, String field) {
        JsonNode value = json.path(field);
        if (!value.isMissingNode() && !value.isNull() && !value.isBoolean()) {
            throw bad(field, "'%s' must be true or false.".formatted(field));
        }
        return value.asBoolean(false);
    }

    private static OptionalDouble number(JsonNode json, String field, double least, double most) {
        JsonNode value = json.path(field);
        if (value.isMissingNode() || value.isNull()) {
            return OptionalDouble.empty();
        }
        if (!value.isNumber() || !(value.asDouble() >= least && value.asDouble() <= most)) {
            throw bad(field, "'%s' must be a number from %s to %s.".formatted(field, least, most));
        }
        return OptionalDouble.of(value.asDouble());
    }

    private static OptionalInt integer(JsonNode json, String field, int least, int most) {
        OptionalDouble value = number(json, field, least, most);
        if (value.isEmpty()) {
            return OptionalInt.empty();
        }
        if (!json.path(field).isIntegralNumber()) {
            throw bad(field, "'%s' must be a whole number.".formatted(field));
        }
        return OptionalInt.of((int) value.getAsDouble());
    }

    private static OptionalLong longInteger(JsonNode json, String field) {
        JsonNode value = json.path(field);
        if (value.isMissingNode() || value.isNull()) {
            return OptionalLong.empty();
        }
        if (!value.canConvertToLong() || !value.isIntegralNumber()) {
            throw bad(field, "'%s' must be a whole number of 64 bits.".formatted(field));
        }
        return OptionalLong.of(value.asLong());
    }

    private static OptionalInt completionTokens(JsonNode json) {
        OptionalInt now = integer(json, "max_completion_tokens", 1, 1_000_000);
        return now.isPresent() ? now : integer(json, "max_tokens", 1, 1_000_000);
    }

    private static List<String> stops(JsonNode stop) {
        if (stop.isMissingNode() || stop.isNull()) {
            return List.of();
        }
        List<String> stops = new ArrayList<>();
        if (stop.isTextual()) {
            stops.add(stop.asText());
        } else if (stop.isArray()) {
            stop.forEach(text -> stops.add(text.isTextual() ? text.asText() : ""));
        }
        if (stops.isEmpty() || stops.size() > STOPS_MAX || stops.stream().anyMatch(String::isEmpty)) {
            throw bad("stop", "'stop' must be a text or a list of at most %d texts.".formatted(STOPS_MAX));
        }
        return stops;
    }

    private static Duel duel(JsonNode extension) {
        if (extension.isMissingNode() || extension.isNull()) {
            return Duel.NEVER;
        }
        String value = extension.path("duel").asText("never");
        return switch (value) {
            case "auto" -> Duel.AUTO;
            case "never" -> Duel.NEVER;
            case "always" -> Duel.ALWAYS;
            default -> throw bad("bellwether.duel", "'duel' is one of auto, never, always; not '%s'.".formatted(value));
        };
    }

    private static Map<String, String> pairs(JsonNode json, String at) {
        Map<String, String> pairs = new HashMap<>();
        json.properties().forEach(field -> {
            if (!field.getValue().isTextual()
                    || field.getKey().length() > 64
                    || field.getValue().asText().length() > 512) {
                throw bad(at, "'%s' maps keys of at most 64 to texts of at most 512 characters.".formatted(at));
            }
            pairs.put(field.getKey(), field.getValue().asText());
        });
        if (pairs.size() > METADATA_MAX) {
            throw bad(at, "'%s' has at most %d entries.".formatted(at, METADATA_MAX));
        }
        return pairs;
    }
}
