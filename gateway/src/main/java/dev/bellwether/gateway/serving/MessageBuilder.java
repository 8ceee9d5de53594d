package dev.bellwether.gateway.serving;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.gateway.http.Json;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** One reply put together from the deltas of a stream: texts are appended, tool calls by their index. */
final class MessageBuilder {
    private final Map<String, StringBuilder> texts = new TreeMap<>();
    private final Map<Integer, ObjectNode> calls = new TreeMap<>();
    private final ObjectNode others = Json.object();

    void add(JsonNode delta) {
        for (Map.Entry<String, JsonNode> field : delta.properties()) {
            String name = field.getKey();
            JsonNode value = field.getValue();
            if (name.equals("tool_calls")) {
                value.forEach(this::addCall);
            } else if (value.isTextual() && !name.equals("role")) {
                texts.computeIfAbsent(name, _ -> new StringBuilder()).append(value.textValue());
            } else if (value instanceof ArrayNode pieces && others.path(name) instanceof ArrayNode known) {
                known.addAll(pieces);
            } else if (!value.isNull() && !name.equals("role")) {
                others.set(name, value.deepCopy());
            }
        }
    }

    /** A whole message as the only delta of a stream, whose tool calls are numbered. */
    static ObjectNode delta(ObjectNode message) {
        ObjectNode delta = message.deepCopy();
        int index = 0;
        for (JsonNode call : delta.path("tool_calls")) {
            if (call instanceof ObjectNode numbered) {
                numbered.put("index", index);
            }
            index++;
        }
        return delta;
    }

    /** What a message's content says: a text, or the texts among its parts. */
    static String text(JsonNode content) {
        if (content.isTextual()) {
            return content.textValue();
        }
        return StreamSupport.stream(content.spliterator(), false)
                .map(part -> part.path("text").asText(""))
                .collect(Collectors.joining());
    }

    private void addCall(JsonNode part) {
        ObjectNode call = calls.computeIfAbsent(part.path("index").asInt(calls.size()), _ -> Json.object());
        merge(call, part);
    }

    /** Texts of one name are pieces of one text. But ids and types come whole, and some services repeat them. */
    private static void merge(ObjectNode into, JsonNode part) {
        for (Map.Entry<String, JsonNode> field : part.properties()) {
            String name = field.getKey();
            JsonNode value = field.getValue();
            if (name.equals("index") || value.isNull()) {
                continue;
            }
            if (value.isObject()) {
                merge(into.path(name) instanceof ObjectNode known ? known : into.putObject(name), value);
            } else if (value.isTextual() && into.path(name).isTextual() && name.equals("arguments")) {
                into.put(name, into.path(name).textValue() + value.textValue());
            } else if (!value.isTextual() || !value.textValue().isEmpty()) {
                into.set(name, value);
            }
        }
    }

    String text() {
        StringBuilder content = texts.get("content");
        return content == null ? text(others.path("content")) : content.toString();
    }

    /** OpenAI's message object. */
    ObjectNode message() {
        ObjectNode message = Json.object().put("role", "assistant");
        StringBuilder content = texts.get("content");
        message.put("content", content == null ? null : content.toString());
        texts.forEach((name, text) -> message.put(name, text.toString()));
        if (!calls.isEmpty()) {
            ArrayNode list = message.putArray("tool_calls");
            calls.values().forEach(list::add);
        }
        message.setAll(others);
        return message;
    }
}
