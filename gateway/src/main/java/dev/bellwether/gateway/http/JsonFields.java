package dev.bellwether.gateway.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * The fields of a JSON object, each read as one type and nothing else. What is null is what is left out; what does not
 * fit is refused by its name.
 */
public final class JsonFields {
    private static final double EXACT_MAX = 1L << 53;

    private final JsonNode json;
    private final String at;
    private final Naming naming;

    /** How fields are named to the caller. */
    public enum Naming {
        /** {@code messages[0].content}, with 400, as OpenAI does. */
        PATH(400, "invalid_value", "."),
        /** {@code /value}, with 422: RFC 6901. */
        POINTER(422, "invalid_feedback", "/");

        private final int status;
        private final String code;
        private final String separator;

        Naming(int status, String code, String separator) {
            this.status = status;
            this.code = code;
            this.separator = separator;
        }

        private String join(String at, String field) {
            return at.isEmpty() && this == PATH ? field : at + separator + field;
        }
    }

    private JsonFields(JsonNode json, String at, Naming naming) {
        this.json = json;
        this.at = at;
        this.naming = naming;
    }

    /** The fields of {@code json}, which stands at {@code at} in the body. */
    public static JsonFields of(JsonNode json, String at, Naming naming) {
        return new JsonFields(json, at, naming);
    }

    public ApiException refusal(String field, String message) {
        return ApiException.field(naming.status, naming.code, naming.join(at, field), message);
    }

    /** The field as it stands; missing when it is null. */
    public JsonNode get(String field) {
        JsonNode value = json.path(field);
        return value.isNull() ? MissingNode.getInstance() : value;
    }

    public boolean has(String field) {
        return !get(field).isMissingNode();
    }

    /** Refuses fields beside {@code known}. */
    public void only(Collection<String> known) {
        json.properties().forEach(field -> {
            if (!known.contains(field.getKey())) {
                throw refusal(
                        field.getKey(),
                        "The field '%s' does not belong here; known are %s."
                                .formatted(field.getKey(), String.join(", ", known)));
            }
        });
    }

    /** A text of at most {@code most} characters, counted as people do: an emoji of one code point is one. */
    public Optional<String> text(String field, int most) {
        JsonNode value = get(field);
        if (value.isMissingNode()) {
            return Optional.empty();
        }
        if (!value.isTextual() || length(value.textValue()) > most) {
            throw refusal(field, "'%s' must be a text of at most %d characters.".formatted(field, most));
        }
        return Optional.of(value.textValue());
    }

    public static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    /** Whether {@code text} shows nothing: white space, control characters and such as have no width. */
    public static boolean blank(String text) {
        return text.codePoints()
                .allMatch(point -> Character.isWhitespace(point)
                        || Character.isSpaceChar(point)
                        || Character.isISOControl(point)
                        || Character.getType(point) == Character.FORMAT);
    }

    public String oneOf(String field, List<String> values) {
        JsonNode value = get(field);
        if (!value.isTextual() || !values.contains(value.textValue())) {
            throw refusal(field, "'%s' must be one of %s.".formatted(field, String.join(", ", values)));
        }
        return value.textValue();
    }

    public boolean flag(String field) {
        JsonNode value = get(field);
        if (!value.isMissingNode() && !value.isBoolean()) {
            throw refusal(field, "'%s' must be true or false.".formatted(field));
        }
        return value.asBoolean(false);
    }

    public OptionalDouble number(String field, double least, double most) {
        JsonNode value = get(field);
        if (value.isMissingNode()) {
            return OptionalDouble.empty();
        }
        if (!value.isNumber() || !(value.asDouble() >= least && value.asDouble() <= most)) {
            throw refusal(field, "'%s' must be a number from %s to %s.".formatted(field, least, most));
        }
        return OptionalDouble.of(value.asDouble());
    }

    /** A whole number, also written as {@code 5.0}. */
    public OptionalInt integer(String field, int least, int most) {
        JsonNode value = get(field);
        if (value.isMissingNode()) {
            return OptionalInt.empty();
        }
        return OptionalInt.of(integer(value, field, least, most));
    }

    /** {@code value}, an element of {@code field}, as a whole number. */
    public int integer(JsonNode value, String field, int least, int most) {
        double number = value.asDouble();
        if (!value.isNumber() || number != Math.rint(number) || number < least || number > most) {
            throw refusal(field, "'%s' must be a whole number from %d to %d.".formatted(field, least, most));
        }
        return (int) number;
    }

    /** A whole number of 64 bits. */
    public OptionalLong whole(String field) {
        JsonNode value = get(field);
        if (value.isMissingNode()) {
            return OptionalLong.empty();
        }
        boolean exact = value.isIntegralNumber()
                ? value.canConvertToLong()
                : value.isNumber()
                        && value.asDouble() == Math.rint(value.asDouble())
                        && Math.abs(value.asDouble()) <= EXACT_MAX;
        if (!exact) {
            throw refusal(field, "'%s' must be a whole number of 64 bits.".formatted(field));
        }
        return OptionalLong.of(value.asLong());
    }

    /** The fields of an object; none when it is left out. */
    public JsonFields object(String field) {
        JsonNode value = get(field);
        if (!value.isMissingNode() && !value.isObject()) {
            throw refusal(field, "'%s' must be an object.".formatted(field));
        }
        return new JsonFields(value, naming.join(at, field), naming);
    }

    /** A list; empty when it is left out. */
    public JsonNode list(String field) {
        JsonNode value = get(field);
        if (!value.isMissingNode() && !value.isArray()) {
            throw refusal(field, "'%s' must be a list.".formatted(field));
        }
        return value;
    }

    /** The object itself. */
    public JsonNode json() {
        return json;
    }
}
