package dev.bellwether.policy.prompt.jinja;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What a template computes with, and how Python's operators see it: {@link String}, {@link Long}, {@link Double}, {@link
 * Boolean}, {@link Special#NONE}, {@link List}, {@link Map}, {@link Undefined}, {@link Markup}, {@link Once} and what can be
 * called.
 */
final class Values {
    private Values() {}

    static boolean truth(Object value) {
        return switch (value) {
            case Boolean truth -> truth;
            case Special _, Undefined _ -> false;
            case String text -> !text.isEmpty();
            case Markup markup -> !markup.text().isEmpty();
            case Long number -> number != 0;
            case Double number -> number != 0;
            case List<?> list -> !list.isEmpty();
            case Map<?, ?> map -> !map.isEmpty();
            default -> true;
        };
    }

    /** As Python's {@code str}. */
    static String text(Object value) {
        return switch (value) {
            case String text -> text;
            case Markup markup -> markup.text();
            case Undefined _ -> "";
            default -> representation(value);
        };
    }

    /** As Python's {@code repr}. */
    static String representation(Object value) {
        Growing text = new Growing();
        represent(value, text);
        return text.toString();
    }

    private static void represent(Object value, Growing text) {
        switch (value) {
            case String own -> quote(own, text);
            case Boolean truth -> text.add(truth ? "True" : "False");
            case Special _ -> text.add("None");
            case Double number -> text.add(Numbers.print(number));
            case Tuple tuple -> {
                text.add('(');
                representAll(tuple, text);
                text.add(tuple.size() == 1 ? ",)" : ")");
            }
            case List<?> list -> {
                text.add('[');
                representAll(list, text);
                text.add(']');
            }
            case Map<?, ?> map -> {
                String between = "{";
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    text.add(between);
                    represent(entry.getKey(), text);
                    text.add(": ");
                    represent(entry.getValue(), text);
                    between = ", ";
                }
                text.add(map.isEmpty() ? "{}" : "}");
            }
            case Markup markup -> {
                text.add("Markup(");
                quote(markup.text(), text);
                text.add(')');
            }
            case Long number -> text.add(number.toString());
            case Undefined _ -> text.add("Undefined");
            default -> text.add("<%s>".formatted(value instanceof Namespace ? "namespace" : "function"));
        }
    }

    private static void representAll(List<?> list, Growing text) {
        String between = "";
        for (Object item : list) {
            text.add(between);
            represent(item, text);
            between = ", ";
        }
    }

    private static void quote(String own, Growing text) {
        char quote = own.contains("'") && !own.contains("\"") ? '"' : '\'';
        text.add(quote);
        own.codePoints().forEach(character -> {
            switch (character) {
                case '\n' -> text.add("\\n");
                case '\r' -> text.add("\\r");
                case '\t' -> text.add("\\t");
                case '\\' -> text.add("\\\\");
                default -> {
                    if (character == quote) {
                        text.add('\\').add(quote);
                    } else if (!printable(character)) {
                        text.add(escape(character));
                    } else {
                        text.addCodePoint(character);
                    }
                }
            }
        });
        text.add(quote);
    }

    private static boolean printable(int character) {
        return switch (Character.getType(character)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            case Character.SPACE_SEPARATOR -> character == ' ';
            default -> true;
        };
    }

    private static String escape(int character) {
        return (character < 0x100 ? "\\x%02x" : character < 0x10000 ? "\\u%04x" : "\\U%08x").formatted(character);
    }

    /** What it is, for a message. */
    static String kind(Object value) {
        return switch (value) {
            case String _ -> "'str object'";
            case Boolean _ -> "'bool object'";
            case Long _ -> "'int object'";
            case Double _ -> "'float object'";
            case Special _ -> "'None'";
            case Tuple _ -> "'tuple object'";
            case List<?> _ -> "'list object'";
            case Map<?, ?> _ -> "'dict object'";
            case Undefined undefined -> undefined.why();
            default -> "'%s object'".formatted(value.getClass().getSimpleName());
        };
    }

    /** What a loop goes over. */
    static List<Object> iterate(Object value) {
        return switch (value) {
            case Undefined _ -> List.of();
            case Once once -> once.rest();
            case String text ->
                text.codePoints().mapToObj(Character::toString).collect(Collectors.toCollection(ArrayList::new));
            case List<?> list -> new ArrayList<>(list);
            case Map<?, ?> map -> new ArrayList<>(map.keySet());
            default -> throw new TemplateException("%s is not iterable".formatted(kind(value)));
        };
    }

    static long length(Object value) {
        return switch (value) {
            case String text -> text.codePointCount(0, text.length());
            case List<?> list -> list.size();
            case Map<?, ?> map -> map.size();
            case Undefined _ -> 0;
            default -> throw new TemplateException("%s has no length".formatted(kind(value)));
        };
    }

    static boolean equal(Object left, Object right) {
        if (Numbers.is(left) && Numbers.is(right)) {
            return (Numbers.whole(left) && Numbers.whole(right))
                    ? Numbers.toLong(left) == Numbers.toLong(right)
                    : Numbers.toDouble(left) == Numbers.toDouble(right);
        }
        if (left instanceof List<?> a && right instanceof List<?> b) {
            return left instanceof Tuple == right instanceof Tuple && a.size() == b.size() && sameItems(a, b);
        }
        if (left instanceof Map<?, ?> a && right instanceof Map<?, ?> b) {
            return a.size() == b.size()
                    && a.entrySet().stream()
                            .allMatch(entry ->
                                    b.containsKey(entry.getKey()) && equal(entry.getValue(), b.get(entry.getKey())));
        }
        if (left instanceof Undefined && right instanceof Undefined) {
            return true;
        }
        return left.equals(right);
    }

    private static boolean sameItems(List<?> a, List<?> b) {
        for (int i = 0; i < a.size(); i++) {
            if (!equal(a.get(i), b.get(i))) {
                return false;
            }
        }
        return true;
    }

    /** Negative, 0 or positive; what has no order fails. */
    static int compare(Object left, Object right) {
        if (Numbers.is(left) && Numbers.is(right)) {
            return Numbers.whole(left) && Numbers.whole(right)
                    ? Long.compare(Numbers.toLong(left), Numbers.toLong(right))
                    : Double.compare(Numbers.toDouble(left), Numbers.toDouble(right));
        }
        if (left instanceof String a && right instanceof String b) {
            return Arrays.compare(a.codePoints().toArray(), b.codePoints().toArray());
        }
        if (left instanceof List<?> a && right instanceof List<?> b) {
            for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
                int order = compare(a.get(i), b.get(i));
                if (order != 0) {
                    return order;
                }
            }
            return Integer.compare(a.size(), b.size());
        }
        if (left instanceof Undefined undefined) {
            throw undefined.used();
        }
        if (right instanceof Undefined undefined) {
            throw undefined.used();
        }
        throw new TemplateException("%s and %s cannot be ordered".formatted(kind(left), kind(right)));
    }

    static boolean contains(Object container, Object item) {
        return switch (container) {
            case String text -> {
                if (!(item instanceof String part)) {
                    throw new TemplateException("%s cannot be in a text".formatted(kind(item)));
                }
                yield text.contains(part);
            }
            case Map<?, ?> map -> map.containsKey(item);
            default -> iterate(container).stream().anyMatch(each -> equal(each, item));
        };
    }
}
