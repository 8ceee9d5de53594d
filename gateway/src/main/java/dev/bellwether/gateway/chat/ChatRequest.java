package dev.bellwether.gateway.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.event.Message;
import dev.bellwether.gateway.http.ApiException;
import dev.bellwether.gateway.http.JsonFields;
import dev.bellwether.gateway.http.JsonFields.Naming;
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

/**
 * The body of a chat completion, checked.
 *
 * @param body as it came, without the extension {@code bellwether}
 * @param messages the conversation as it is recorded
 * @param beyondText why a bot that reads and writes texts alone cannot serve it; none where it can
 * @param stored false when the caller wants nothing kept; such a reply cannot be judged
 */
record ChatRequest(
        String model,
        ObjectNode body,
        List<Message> messages,
        @Nullable ApiException beyondText,
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
        Map<String, String> attributes,
        boolean stored) {
    private static final int NAME_MAX = 512;
    private static final int CHOICES_MAX = 128;
    private static final int STOPS_MAX = 4;
    private static final int METADATA_MAX = 16;
    private static final int KEY_MAX = 64;
    private static final int TOKENS_MAX = 100_000_000;
    private static final Set<String> VISITORS_ROLES = Set.of("user", "assistant");
    private static final List<String> VISITORS_FIELDS =
            List.of("messages", "model", "seed", "stop", "temperature", "top_p");
    private static final Set<String> EXTENSION = Set.of("attributes", "conversation_id", "duel");

    /** Whether two replies may be offered to choose from. */
    enum Duel {
        AUTO,
        NEVER,
        ALWAYS
    }

    /** Reads {@code json}, which belongs to the request from now on. */
    static ChatRequest parse(ObjectNode json) {
        JsonFields fields = JsonFields.of(json, "", Naming.PATH);
        JsonFields extension = fields.object("bellwether");
        extension.only(EXTENSION);
        Map<String, String> attributes = pairs(fields, "metadata");
        attributes.putAll(pairs(extension, "attributes"));
        Messages messages = Messages.read(fields);
        ChatRequest request = new ChatRequest(
                fields.text("model", NAME_MAX)
                        .filter(name -> !name.isBlank())
                        .orElseThrow(() -> fields.refusal("model", "Name the bot in the field 'model'.")),
                json,
                messages.recorded(),
                TextOnly.refusal(fields).or(messages::beyondText).orElse(null),
                fields.flag("stream"),
                fields.object("stream_options").flag("include_usage"),
                fields.integer("n", 1, CHOICES_MAX).orElse(1),
                fields.number("temperature", 0, 2),
                fields.number("top_p", 0, 1),
                completionTokens(fields),
                stops(fields),
                fields.whole("seed"),
                name(fields, "user").or(() -> name(fields, "safety_identifier")).orElse(null),
                name(extension, "conversation_id").orElse(null),
                duel(extension),
                attributes,
                !fields.has("store") || fields.flag("store"));
        json.remove("bellwether");
        return request;
    }

    /** What names nobody is no name. */
    private static Optional<String> name(JsonFields fields, String field) {
        return fields.text(field, NAME_MAX).filter(name -> !JsonFields.blank(name));
    }

    private static OptionalInt completionTokens(JsonFields fields) {
        OptionalInt older = fields.integer("max_tokens", 1, TOKENS_MAX);
        OptionalInt now = fields.integer("max_completion_tokens", 1, TOKENS_MAX);
        return now.isPresent() ? now : older;
    }

    private static List<String> stops(JsonFields fields) {
        JsonNode stop = fields.get("stop");
        List<String> stops = new ArrayList<>();
        if (stop.isTextual()) {
            stops.add(stop.textValue());
        } else if (stop.isArray()) {
            stop.forEach(text -> stops.add(text.isTextual() ? text.textValue() : ""));
        } else if (!stop.isMissingNode()) {
            stops.add("");
        }
        if (stops.size() > STOPS_MAX || stops.contains("")) {
            throw fields.refusal(
                    "stop", "'stop' must be a text or a list of at most %d texts, none empty.".formatted(STOPS_MAX));
        }
        return stops;
    }

    private static Duel duel(JsonFields extension) {
        if (!extension.has("duel")) {
            return Duel.NEVER;
        }
        return switch (extension.oneOf("duel", List.of("auto", "never", "always"))) {
            case "auto" -> Duel.AUTO;
            case "always" -> Duel.ALWAYS;
            default -> Duel.NEVER;
        };
    }

    private static Map<String, String> pairs(JsonFields of, String field) {
        JsonFields given = of.object(field);
        Map<String, String> pairs = new HashMap<>();
        given.json().properties().forEach(pair -> {
            if (!pair.getValue().isTextual()
                    || JsonFields.length(pair.getKey()) > KEY_MAX
                    || JsonFields.length(pair.getValue().textValue()) > NAME_MAX) {
                throw of.refusal(
                        field,
                        "'%s' maps keys of at most %d to texts of at most %d characters."
                                .formatted(field, KEY_MAX, NAME_MAX));
            }
            pairs.put(pair.getKey(), pair.getValue().textValue());
        });
        if (pairs.size() > METADATA_MAX) {
            throw of.refusal(field, "'%s' has at most %d entries.".formatted(field, METADATA_MAX));
        }
        return pairs;
    }

    /** The conversation as a text model reads it. */
    List<Turn> turns() {
        return messages.stream()
                .map(message -> Turn.of(message.role(), message.content(), message.toolCalls()))
                .toList();
    }

    /**
     * The same from a visitor, who has no name of their own and asks for one reply of the usual length: whoever reads the
     * page's key must not spend more than the page does.
     *
     * @param tokensMax longest reply
     */
    ChatRequest fromVisitor(int tokensMax) {
        for (int i = 0; i < messages.size(); i++) {
            if (!VISITORS_ROLES.contains(messages.get(i).role())) {
                throw ApiException.field(
                        400,
                        "invalid_value",
                        "messages[%d].role".formatted(i),
                        "A page's visitor sends messages of the roles user and assistant.");
            }
        }
        int most = Math.min(tokensMax, completionTokensMax.orElse(tokensMax));
        body.retain(VISITORS_FIELDS);
        body.put("max_completion_tokens", most);
        return new ChatRequest(
                model,
                body,
                messages,
                beyondText,
                stream,
                includeUsage,
                1,
                temperature,
                topP,
                OptionalInt.of(most),
                stops,
                seed,
                null,
                conversationId,
                duel,
                attributes,
                stored);
    }
}
