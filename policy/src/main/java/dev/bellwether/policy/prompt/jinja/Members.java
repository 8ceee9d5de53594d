package dev.bellwether.policy.prompt.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What stands behind a dot or in square brackets. Nothing that is there changes anything, as in Jinja's sandbox. */
final class Members {
    private static final Set<String> CHANGING = Set.of(
            "append",
            "clear",
            "extend",
            "insert",
            "pop",
            "popitem",
            "remove",
            "reverse",
            "setdefault",
            "sort",
            "update");

    private Members() {}

    /** {@code of.name}: a method before an item. */
    static Object attribute(Object of, String name) {
        Optional<Object> method = name.startsWith("_") ? Optional.empty() : method(of, name);
        if (method.isPresent()) {
            return method.get();
        }
        return of instanceof Map<?, ?> map && map.containsKey(name) ? map.get(name) : Undefined.member(of, name);
    }

    /** {@code of[key]}: an item before a method. */
    static Object item(Object of, Object key) {
        if (of instanceof Map<?, ?> map && map.containsKey(key)) {
            return map.get(key);
        }
        if (of instanceof List<?> list && Numbers.whole(key)) {
            int index = index(Numbers.toLong(key), list.size());
            return index < 0 ? new Undefined("the list has no item %s".formatted(key)) : list.get(index);
        }
        if (of instanceof String text && Numbers.whole(key)) {
            int[] characters = text.codePoints().toArray();
            int index = index(Numbers.toLong(key), characters.length);
            return index < 0
                    ? new Undefined("the text has no character %s".formatted(key))
                    : Character.toString(characters[index]);
        }
        return key instanceof String name ? attribute(of, name) : missing(of, key);
    }

    private static Object missing(Object of, Object key) {
        if (of instanceof Undefined undefined) {
            throw undefined.used();
        }
        return Undefined.member(of, key);
    }

    private static int index(long wanted, int size) {
        long index = wanted < 0 ? wanted + size : wanted;
        return index < 0 || index >= size ? -1 : (int) index;
    }

    /** {@code a.b.0}, as filters take it. */
    static Object path(Object of, Object path) {
        if (!(path instanceof String names)) {
            return item(of, path);
        }
        Object value = of;
        for (String name : names.split("\\.", -1)) {
            boolean number = !name.isEmpty() && name.chars().allMatch(Character::isDigit);
            value = item(value, number ? (Object) Long.valueOf(name) : name);
        }
        return value;
    }

    private static Optional<Object> method(Object of, String name) {
        return switch (of) {
            case Undefined undefined -> throw undefined.used();
            case Namespace namespace -> Optional.ofNullable(namespace.members().get(name));
            case LoopState loop -> Optional.of(loop.member(name));
            case String text ->
                TextMethods.known(name)
                        ? Optional.of((Callable) given -> TextMethods.call(text, name, given))
                        : Optional.empty();
            case Map<?, ?> map -> ofMap(map, name);
            case List<?> list -> ofList(list, name);
            default -> Optional.empty();
        };
    }

    private static Optional<Object> ofMap(Map<?, ?> map, String name) {
        @Nullable
        Callable method = switch (name) {
            case "get" ->
                given -> {
                    Object key = given.required(0, "key");
                    return map.containsKey(key)
                            ? map.get(key)
                            : given.at(1, "default").orElse(Special.NONE);
                };
            case "items" -> _ -> items(map);
            case "keys" -> _ -> new ArrayList<Object>(map.keySet());
            case "values" -> _ -> new ArrayList<Object>(map.values());
            case "copy" -> _ -> new LinkedHashMap<Object, Object>(map);
            default -> null;
        };
        return method == null ? changing(map, name) : Optional.of(method);
    }

    private static Optional<Object> ofList(List<?> list, String name) {
        return switch (name) {
            case "index" ->
                Optional.of((Callable) given -> {
                    Object wanted = given.required(0, "value");
                    for (int i = 0; i < list.size(); i++) {
                        if (Values.equal(list.get(i), wanted)) {
                            return (long) i;
                        }
                    }
                    throw new TemplateException("%s is not in the list".formatted(Values.representation(wanted)));
                });
            case "count" ->
                Optional.of((Callable) given -> list.stream()
                        .filter(item -> Values.equal(item, given.required(0, "value")))
                        .count());
            case "copy" -> Optional.of((Callable) _ -> new ArrayList<Object>(list));
            default -> changing(list, name);
        };
    }

    private static Optional<Object> changing(Object of, String name) {
        if (!CHANGING.contains(name) || (of instanceof Map<?, ?> map && map.containsKey(name))) {
            return Optional.empty();
        }
        return Optional.of((Callable) _ -> {
            throw new TemplateException("'%s' would change a value, which a template may not".formatted(name));
        });
    }

    static List<Object> items(Map<?, ?> map) {
        List<Object> items = new ArrayList<>();
        map.forEach((key, value) -> items.add(Tuple.of(key, value)));
        return items;
    }
}
