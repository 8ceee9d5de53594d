package dev.bellwether.policy.prompt.jinja;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The values that a call, filter or test is given. */
record Given(List<Object> positional, Map<String, Object> named) {
    static final Given NOTHING = new Given(List.of(), Map.of());

    static Given of(Object... values) {
        return new Given(List.of(values), Map.of());
    }

    /** The argument at {@code index}, or of that name. */
    Optional<Object> at(int index, String name) {
        return index < positional.size() ? Optional.of(positional.get(index)) : Optional.ofNullable(named.get(name));
    }

    Object required(int index, String name) {
        return at(index, name).orElseThrow(() -> new TemplateException("the argument '%s' is missing".formatted(name)));
    }

    String text(int index, String name) {
        return asText(required(index, name), name);
    }

    String text(int index, String name, String otherwise) {
        return at(index, name)
                .filter(value -> value != Special.NONE)
                .map(value -> asText(value, name))
                .orElse(otherwise);
    }

    int integer(int index, String name, int otherwise) {
        return at(index, name)
                .map(value -> Math.toIntExact(Numbers.toLong(value)))
                .orElse(otherwise);
    }

    boolean truth(int index, String name, boolean otherwise) {
        return at(index, name).map(Values::truth).orElse(otherwise);
    }

    /** What comes behind the first {@code count} arguments. */
    Given after(int count) {
        return new Given(positional.subList(Math.min(count, positional.size()), positional.size()), named);
    }

    private static String asText(Object value, String name) {
        if (value instanceof String text) {
            return text;
        }
        throw new TemplateException("'%s' must be a text, not %s".formatted(name, Values.kind(value)));
    }
}
