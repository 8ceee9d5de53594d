package dev.bellwether.policy.prompt.jinja;

import java.util.List;
import java.util.Map;
import java.util.Set;

/** What may stand behind {@code is}. */
final class Tests {
    private static final Set<String> KNOWN = Set.of(
            "boolean",
            "callable",
            "defined",
            "divisibleby",
            "eq",
            "equalto",
            "even",
            "false",
            "filter",
            "float",
            "ge",
            "greaterthan",
            "gt",
            "in",
            "integer",
            "iterable",
            "le",
            "lessthan",
            "lower",
            "lt",
            "mapping",
            "ne",
            "none",
            "number",
            "odd",
            "sameas",
            "sequence",
            "string",
            "test",
            "true",
            "undefined",
            "upper");

    private Tests() {}

    static boolean known(String name) {
        return KNOWN.contains(name);
    }

    static boolean holds(String name, Object value, Given given) {
        return switch (name) {
            case "defined" -> !(value instanceof Undefined);
            case "undefined" -> value instanceof Undefined;
            case "none" -> value == Special.NONE;
            case "boolean" -> value instanceof Boolean;
            case "true" -> Boolean.TRUE.equals(value);
            case "false" -> Boolean.FALSE.equals(value);
            case "integer" -> value instanceof Long;
            case "float" -> value instanceof Double;
            case "number" -> Numbers.is(value);
            case "string" -> value instanceof String;
            case "mapping" -> value instanceof Map;
            case "sequence" ->
                value instanceof String || value instanceof List || value instanceof Map || value instanceof Undefined;
            case "iterable" ->
                value instanceof String || value instanceof List || value instanceof Map || value instanceof Undefined;
            case "callable" -> value instanceof Callable;
            case "lower" -> (boolean) TextMethods.call(Values.text(value), "islower", Given.NOTHING);
            case "upper" -> (boolean) TextMethods.call(Values.text(value), "isupper", Given.NOTHING);
            case "even" -> Math.floorMod(Numbers.toLong(value), 2L) == 0;
            case "odd" -> Math.floorMod(Numbers.toLong(value), 2L) == 1;
            case "filter" -> Filters.known(Values.text(value));
            case "test" -> known(Values.text(value));
            default -> compared(name, value, given.required(0, "other"));
        };
    }

    private static boolean compared(String name, Object value, Object other) {
        return switch (name) {
            case "divisibleby" -> Math.floorMod(Numbers.toLong(value), Numbers.toLong(other)) == 0;
            case "eq", "equalto" -> Values.equal(value, other);
            case "ne" -> !Values.equal(value, other);
            case "sameas" -> same(value, other);
            case "in" -> Values.contains(other, value);
            case "lt", "lessthan" -> Values.compare(value, other) < 0;
            case "le" -> Values.compare(value, other) <= 0;
            case "gt", "greaterthan" -> Values.compare(value, other) > 0;
            case "ge" -> Values.compare(value, other) >= 0;
            default -> throw new IllegalArgumentException(name);
        };
    }

    /** Python keeps one object of each truth, and of None. */
    @SuppressWarnings("ReferenceEquality")
    private static boolean same(Object value, Object other) {
        return value == other || (value instanceof Boolean && value.equals(other));
    }
}
