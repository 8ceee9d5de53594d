package dev.bellwether.policy.prompt.jinja;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/** Filters of lists, and of whatever else a loop could go over. */
final class ListFilters {
    static final Undefined NO_FIRST = new Undefined("No first item, sequence was empty.");

    private ListFilters() {}

    static Object apply(String name, List<Object> items, Object value, Given given) {
        return switch (name) {
            case "list" -> items;
            case "first" -> items.isEmpty() ? NO_FIRST : items.getFirst();
            case "last" -> items.isEmpty() ? new Undefined("No last item, sequence was empty.") : items.getLast();
            case "join" -> joined(items, given);
            case "map" -> new Once(mapped(items, given));
            case "select" -> new Once(kept(items, test(given, 0)));
            case "reject" -> new Once(kept(items, test(given, 0).negate()));
            case "selectattr" -> new Once(kept(items, byAttribute(given)));
            case "rejectattr" -> new Once(kept(items, byAttribute(given).negate()));
            case "sort" -> sorted(items, given);
            case "unique" -> new Once(unique(items, given));
            case "groupby" -> grouped(items, given);
            case "dictsort" -> dictSorted(value, given);
            case "min" -> extreme(items, given, 1);
            case "max" -> extreme(items, given, -1);
            case "sum" -> sum(items, given);
            case "batch" -> new Once(batches(items, given));
            case "slice" -> new Once(slices(items, given));
            default -> throw new IllegalArgumentException(name);
        };
    }

    private static String joined(List<Object> items, Given given) {
        String between = Values.text(given.at(0, "d").orElse(""));
        UnaryOperator<Object> key = key(given.at(1, "attribute"));
        Growing joined = new Growing();
        for (int i = 0; i < items.size(); i++) {
            joined.add(i == 0 ? "" : between).add(Values.text(key.apply(items.get(i))));
        }
        return joined.toString();
    }

    private static UnaryOperator<Object> key(Optional<Object> attribute) {
        return attribute
                .filter(path -> path != Special.NONE)
                .<UnaryOperator<Object>>map(path -> item -> Members.path(item, path))
                .orElse(item -> item);
    }

    private static List<Object> mapped(List<Object> items, Given given) {
        Object attribute = given.named().get("attribute");
        List<Object> mapped = new ArrayList<>();
        for (Object item : items) {
            if (attribute == null) {
                mapped.add(Filters.apply(filter(given), item, given.after(1)));
            } else {
                Object found = Members.path(item, attribute);
                Object otherwise = given.named().get("default");
                mapped.add(found instanceof Undefined && otherwise != null ? otherwise : found);
            }
        }
        return mapped;
    }

    private static String filter(Given given) {
        String name = given.text(0, "filter");
        if (!Filters.known(name)) {
            throw new TemplateException("the filter '%s' is not supported".formatted(name));
        }
        return name;
    }

    /** The test that is named at {@code index}, or truth. */
    private static Predicate<Object> test(Given given, int index) {
        Optional<Object> name = given.at(index, "test");
        if (name.isEmpty()) {
            return Values::truth;
        }
        String test = symbol(Values.text(name.get()));
        if (!Tests.known(test)) {
            throw new TemplateException("the test '%s' is not supported".formatted(test));
        }
        return item -> Tests.holds(test, item, given.after(index + 1));
    }

    private static String symbol(String name) {
        return switch (name) {
            case "==" -> "eq";
            case "!=" -> "ne";
            case "<" -> "lt";
            case "<=" -> "le";
            case ">" -> "gt";
            case ">=" -> "ge";
            default -> name;
        };
    }

    private static Predicate<Object> byAttribute(Given given) {
        Object path = given.required(0, "attribute");
        Predicate<Object> test = test(given, 1);
        return item -> test.test(Members.path(item, path));
    }

    private static List<Object> kept(List<Object> items, Predicate<Object> wanted) {
        return items.stream().filter(wanted).collect(Collectors.toCollection(ArrayList::new));
    }

    /** Texts are ordered without regard to case unless it is asked for. */
    private static Comparator<Object> order(boolean caseSensitive) {
        return (a, b) -> Values.compare(folded(a, caseSensitive), folded(b, caseSensitive));
    }

    private static Object folded(Object value, boolean caseSensitive) {
        return value instanceof String text && !caseSensitive ? TextMethods.lower(text) : value;
    }

    private static List<Object> sorted(List<Object> items, Given given) {
        UnaryOperator<Object> key = key(given.at(2, "attribute"));
        Comparator<Object> order = order(given.truth(1, "case_sensitive", false));
        int sign = given.truth(0, "reverse", false) ? -1 : 1;
        List<Object> sorted = new ArrayList<>(items);
        sorted.sort((a, b) -> sign * order.compare(key.apply(a), key.apply(b)));
        return sorted;
    }

    private static List<Object> unique(List<Object> items, Given given) {
        UnaryOperator<Object> key = key(given.at(1, "attribute"));
        boolean caseSensitive = given.truth(0, "case_sensitive", false);
        Map<Object, Object> firsts = new LinkedHashMap<>();
        items.forEach(item -> firsts.putIfAbsent(folded(key.apply(item), caseSensitive), item));
        return new ArrayList<>(firsts.values());
    }

    private static List<Object> grouped(List<Object> items, Given given) {
        UnaryOperator<Object> key = key(given.at(0, "attribute"));
        List<Object> sorted = new ArrayList<>(items);
        Comparator<Object> order = order(given.truth(2, "case_sensitive", false));
        sorted.sort((a, b) -> order.compare(key.apply(a), key.apply(b)));
        Map<Object, List<Object>> groups = new LinkedHashMap<>();
        sorted.forEach(item ->
                groups.computeIfAbsent(key.apply(item), _ -> new ArrayList<>()).add(item));
        List<Object> pairs = new ArrayList<>();
        groups.forEach((name, group) -> pairs.add(Tuple.of(name, group)));
        return pairs;
    }

    private static List<Object> dictSorted(Object value, Given given) {
        if (!(value instanceof Map<?, ?> map)) {
            throw new TemplateException("'dictsort' needs a mapping, not %s".formatted(Values.kind(value)));
        }
        long by = given.text(1, "by", "key").equals("value") ? 1 : 0;
        return sorted(
                Members.items(map),
                new Given(
                        List.of(),
                        Map.of(
                                "attribute", by,
                                "case_sensitive", given.truth(0, "case_sensitive", false),
                                "reverse", given.truth(2, "reverse", false))));
    }

    private static Object extreme(List<Object> items, Given given, int sign) {
        UnaryOperator<Object> key = key(given.at(1, "attribute"));
        Comparator<Object> order = order(given.truth(0, "case_sensitive", false));
        return items.stream()
                .reduce((best, next) -> sign * order.compare(key.apply(next), key.apply(best)) < 0 ? next : best)
                .orElse(new Undefined("No aggregated item, sequence was empty."));
    }

    private static Object sum(List<Object> items, Given given) {
        UnaryOperator<Object> key = key(given.at(0, "attribute"));
        Object sum = given.at(1, "start").orElse(0L);
        for (Object item : items) {
            sum = Operators.apply("+", sum, key.apply(item));
        }
        return sum;
    }

    private static List<Object> batches(List<Object> items, Given given) {
        int size = given.integer(0, "linecount", 0);
        if (size < 1) {
            throw new TemplateException("a batch needs at least one item");
        }
        List<Object> batches = new ArrayList<>();
        for (int at = 0; at < items.size(); at += size) {
            List<Object> batch = new ArrayList<>(items.subList(at, Math.min(items.size(), at + size)));
            fill(batch, size, given.at(1, "fill_with"));
            batches.add(batch);
        }
        return batches;
    }

    private static void fill(List<Object> list, int size, Optional<Object> with) {
        with.filter(filling -> filling != Special.NONE).ifPresent(filling -> {
            while (list.size() < size) {
                list.add(filling);
            }
        });
    }

    /** As many lists as asked for, the first ones an item longer where it does not go even. */
    private static List<Object> slices(List<Object> items, Given given) {
        int count = given.integer(0, "slices", 1);
        if (count < 1 || count > Math.max(1_000, items.size())) {
            throw new TemplateException("the number of slices must be between 1 and 1000");
        }
        List<Object> slices = new ArrayList<>();
        int longer = items.size() % count;
        int at = 0;
        for (int i = 0; i < count; i++) {
            int size = items.size() / count + (i < longer ? 1 : 0);
            List<Object> slice = new ArrayList<>(items.subList(at, at + size));
            at += size;
            if (i >= longer && longer > 0) {
                fill(slice, size + 1, given.at(1, "fill_with"));
            }
            slices.add(slice);
        }
        return slices;
    }
}
