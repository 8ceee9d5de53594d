package dev.bellwether.gateway.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.bellwether.event.WellFormed;
import io.vertx.core.buffer.Buffer;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Bodies of requests, read strictly: valid UTF-8, no duplicate keys, nothing after the end, nesting up to 32; and half
 * a character, which only an escape can spell, becomes U+FFFD in texts (in names the parser refuses it).
 */
public final class Json {
    private static final int NESTING_MAX = 32;
    private static final ObjectMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(NESTING_MAX)
                            .build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private static final ObjectMapper LENIENT = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(2 * NESTING_MAX)
                            .build())
                    .build())
            .build();

    private Json() {}

    public static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    /** The JSON object in {@code body}; takes as long as the body is. */
    public static ObjectNode parse(byte[] body) {
        if (body.length == 0) {
            throw ApiException.of(400, "invalid_json", "The body is empty; it must be a JSON object.");
        }
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(body))
                    .toString();
            JsonNode json = MAPPER.readTree(text);
            if (!(json instanceof ObjectNode object)) {
                throw ApiException.of(400, "invalid_json", "The body must be a JSON object.");
            }
            return text.contains("\\u") ? (ObjectNode) wellFormed(object) : object;
        } catch (CharacterCodingException e) {
            throw ApiException.of(400, "invalid_utf8", "The body is not valid UTF-8.");
        } catch (JsonParseException e) {
            throw ApiException.of(
                    400,
                    "invalid_json",
                    "The body is not valid JSON at line %d, column %d: %s"
                            .formatted(
                                    e.getLocation().getLineNr(),
                                    e.getLocation().getColumnNr(),
                                    e.getOriginalMessage()));
        } catch (JsonProcessingException e) {
            throw ApiException.of(400, "invalid_json", "The body is not valid JSON: " + e.getOriginalMessage());
        }
    }

    private static JsonNode wellFormed(JsonNode node) {
        return switch (node) {
            case TextNode text -> TextNode.valueOf(WellFormed.text(text.textValue()));
            case ArrayNode array -> {
                for (int i = 0; i < array.size(); i++) {
                    array.set(i, wellFormed(array.get(i)));
                }
                yield array;
            }
            case ObjectNode object -> {
                for (Map.Entry<String, JsonNode> field : object.properties()) {
                    field.setValue(wellFormed(field.getValue()));
                }
                yield object;
            }
            default -> node;
        };
    }

    /** JSON that a service sent; what is not JSON is an error of the service. */
    public static JsonNode parseLeniently(String json) throws JsonProcessingException {
        return LENIENT.readTree(json);
    }

    public static Buffer write(Object value) {
        return Buffer.buffer(bytes(value));
    }

    public static byte[] bytes(Object value) {
        try {
            return MAPPER.writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
