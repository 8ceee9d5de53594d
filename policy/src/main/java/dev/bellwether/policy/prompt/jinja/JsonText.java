package dev.bellwether.policy.prompt.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code tojson} as Hugging Face sets it: Python's {@code json.dumps} without escapes of what is not ASCII. */
final class JsonText {
    private final Growing json = new Growing();
    private final Optional<String> indent;
    private final String betweenItems;
    private final String behindKey;
    private final boolean ascii;
    private final boolean sorted;

    private JsonText(Given given) {
        Object wanted = given.at(1, "indent").orElse(Special.NONE);
        indent = wanted == Special.NONE
                ? Optional.empty()
                : Optional.of(wanted instanceof String text ? text : TextFilters.spaces(wanted));
        Object separators = given.at(2, "separators").orElse(Special.NONE);
        boolean own = separators instanceof List<?> two && two.size() == 2;
        betweenItems = own ? Values.text(((List<?>) separators).get(0)) : indent.isPresent() ? "," : ", ";
        behindKey = own ? Values.text(((List<?>) separators).get(1)) : ": ";
        ascii = given.truth(0, "ensure_ascii", false);
        sorted = given.truth(3, "sort_keys", false);
    }

    static String of(Object value, Given given) {
        JsonText text = new JsonText(given);
        text.write(value, 1);
        return text.json.toString();
    }

    private void write(Object value, int depth) {
        switch (value) {
            case String text -> quoted(text);
            case Boolean truth -> json.add(truth.toString());
            case Special _ -> json.add("null");
            case Long number -> json.add(number.toString());
            case Double number ->
                json.add(
                        Double.isNaN(number)
                                ? "NaN"
                                : Double.isInfinite(number)
                                        ? (number > 0 ? "Infinity" : "-Infinity")
                                        : Numbers.print(number));
            case List<?> list -> {
                List<Runnable> items = new ArrayList<>();
                list.forEach(item -> items.add(() -> write(item, depth + 1)));
                enclosed('[', items, ']', depth);
            }
            case Map<?, ?> map -> {
                List<Runnable> items = new ArrayList<>();
                map.entrySet().stream()
                        .sorted((a, b) -> sorted ? Values.compare(a.getKey(), b.getKey()) : 0)
                        .forEach(entry -> items.add(() -> {
                            quoted(key(entry.getKey()));
                            json.add(behindKey);
                            write(entry.getValue(), depth + 1);
                        }));
                enclosed('{', items, '}', depth);
            }
            case Undefined _ -> throw new TemplateException("Undefined is not JSON serializable");
            default -> throw new TemplateException("%s is not JSON serializable".formatted(Values.kind(value)));
        }
    }

    private static String key(Object key) {
        return key instanceof String text
                ? text
                : TextMethods.lower(Values.text(key)).replace("none", "null");
    }

    private void enclosed(char start, List<Runnable> items, char end, int depth) {
        json.add(start);
        for (int i = 0; i < items.size(); i++) {
            json.add(i == 0 ? "" : betweenItems);
            line(depth);
            items.get(i).run();
        }
        if (!items.isEmpty()) {
            line(depth - 1);
        }
        json.add(end);
    }

    private void line(int depth) {
        indent.ifPresent(step -> json.add("\n").add(step, depth));
    }

    private void quoted(String text) {
        json.add('"');
        for (int i = 0; i < text.length(); i++) {
            char unit = text.charAt(i);
            switch (unit) {
                case '"' -> json.add("\\\"");
                case '\\' -> json.add("\\\\");
                case '\n' -> json.add("\\n");
                case '\r' -> json.add("\\r");
                case '\t' -> json.add("\\t");
                case '\b' -> json.add("\\b");
                case '\f' -> json.add("\\f");
                default -> {
                    if (unit < 0x20 || (ascii && unit > 0x7e)) {
                        json.add("\\u%04x".formatted((int) unit));
                    } else {
                        json.add(unit);
                    }
                }
            }
        }
        json.add('"');
    }
}
