package dev.bellwether.policy.prompt.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What may stand behind {@code |}: Jinja's filters, but for those of web pages. */
final class Filters {
    private static final Set<String> KNOWN = Set.of(
            "abs",
            "attr",
            "batch",
            "capitalize",
            "center",
            "count",
            "d",
            "default",
            "dictsort",
            "e",
            "escape",
            "first",
            "float",
            "format",
            "groupby",
            "indent",
            "int",
            "items",
            "join",
            "last",
            "length",
            "list",
            "lower",
            "map",
            "max",
            "min",
            "reject",
            "rejectattr",
            "replace",
            "reverse",
            "round",
            "safe",
            "select",
            "selectattr",
            "slice",
            "sort",
            "string",
            "sum",
            "title",
            "tojson",
            "trim",
            "truncate",
            "unique",
            "upper",
            "wordcount");

    private Filters() {}

    static boolean known(String name) {
        return KNOWN.contains(name);
    }

    static Object apply(String name, Object value, Given given) {
        return switch (name) {
            case "capitalize", "center", "format", "lower", "replace", "title", "trim", "upper", "wordcount" ->
                TextFilters.apply(name, Values.text(value), given);
            case "indent", "truncate" -> TextFilters.apply(name, text(name, value), given);
            case "e", "escape" -> Markup.escaped(value);
            case "safe" -> new Markup(Values.text(value));
            case "string" -> Values.text(value);
            case "tojson" -> JsonText.of(value, given);
            case "default", "d" -> otherwise(value, given);
            case "length", "count" -> Values.length(value);
            case "abs" -> value instanceof Double number ? (Object) Math.abs(number) : Math.abs(Numbers.toLong(value));
            case "int" -> toInteger(value, given);
            case "float" -> toFloat(value, given);
            case "round" -> rounded(value, given);
            case "attr" -> Members.attribute(value, given.text(0, "name"));
            case "items" -> value instanceof Map<?, ?> map ? new Once(Members.items(map)) : items(value);
            case "reverse" -> reversed(value);
            case "first" ->
                value instanceof Once once ? once.next().orElse(ListFilters.NO_FIRST) : listed(name, value, given);
            case "last" -> {
                if (value instanceof Once) {
                    throw new TemplateException("'last' needs a list");
                }
                yield listed(name, value, given);
            }
            case "map", "select", "reject", "selectattr", "rejectattr" ->
                Values.truth(value) ? listed(name, value, given) : new Once(List.of());
            default -> listed(name, value, given);
        };
    }

    private static Object listed(String name, Object value, Given given) {
        return ListFilters.apply(name, Values.iterate(value), value, given);
    }

    private static String text(String filter, Object value) {
        if (value instanceof String text) {
            return text;
        }
        throw new TemplateException("'%s' needs a text, not %s".formatted(filter, Values.kind(value)));
    }

    private static Object reversed(Object value) {
        return switch (value) {
            case String text -> new StringBuilder(text).reverse().toString();
            case Once once -> once.rest().reversed();
            default -> new Once(Values.iterate(value).reversed());
        };
    }

    private static Object items(Object value) {
        if (value instanceof Undefined) {
            return List.of();
        }
        throw new TemplateException("'items' needs a mapping, not %s".formatted(Values.kind(value)));
    }

    private static Object otherwise(Object value, Given given) {
        boolean missing = value instanceof Undefined || (given.truth(1, "boolean", false) && !Values.truth(value));
        return missing ? given.at(0, "default_value").orElse("") : value;
    }

    private static Object toInteger(Object value, Given given) {
        Object otherwise = given.at(0, "default").orElse(0L);
        try {
            return switch (value) {
                case String text -> {
                    String digits = Blanks.strip(text).replace("_", "");
                    yield digits.matches("[-+]?\\d+") ? (Object) Long.valueOf(digits) : (Object) (long) parsed(digits);
                }
                case Double number -> number.longValue();
                case Special _, List<?> _, Map<?, ?> _ -> otherwise;
                default -> Numbers.toLong(value);
            };
        } catch (NumberFormatException e) {
            return otherwise;
        }
    }

    private static Object toFloat(Object value, Given given) {
        Object otherwise = given.at(0, "default").orElse(0.0);
        try {
            return switch (value) {
                case String text -> parsed(Blanks.strip(text).replace("_", ""));
                case Special _, List<?> _, Map<?, ?> _ -> otherwise;
                default -> Numbers.toDouble(value);
            };
        } catch (NumberFormatException e) {
            return otherwise;
        }
    }

    /** As Python reads a float; Java's own reading takes letters behind it. */
    private static double parsed(String digits) {
        if (!digits.matches("[-+]?(\\d+\\.?\\d*|\\.\\d+)([eE][-+]?\\d+)?")) {
            throw new NumberFormatException(digits);
        }
        return Double.parseDouble(digits);
    }

    private static Object rounded(Object value, Given given) {
        boolean common = given.text(1, "method", "common").equals("common");
        if (common && Numbers.whole(value) && given.integer(0, "precision", 0) >= 0) {
            return Numbers.toLong(value);
        }
        return rounded(Numbers.toDouble(value), given);
    }

    private static double rounded(double number, Given given) {
        RoundingMode mode = switch (given.text(1, "method", "common")) {
            case "common" -> RoundingMode.HALF_EVEN;
            case "ceil" -> RoundingMode.CEILING;
            case "floor" -> RoundingMode.FLOOR;
            default -> throw new TemplateException("'method' must be common, ceil or floor");
        };
        return new BigDecimal(number)
                .setScale(given.integer(0, "precision", 0), mode)
                .doubleValue();
    }
}
