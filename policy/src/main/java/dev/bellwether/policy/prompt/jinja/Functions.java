package dev.bellwether.policy.prompt.jinja;

import java.time.Clock;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a template can call beside its own macros: Jinja's functions, and the two of {@code transformers}. */
final class Functions {
    private static final int RANGE_MAX = 100_000;

    /** Python's directives, and Java's letters for them. */
    private static final Map<Character, String> DATES = Map.ofEntries(
            Map.entry('a', "EEE"),
            Map.entry('A', "EEEE"),
            Map.entry('b', "MMM"),
            Map.entry('B', "MMMM"),
            Map.entry('d', "dd"),
            Map.entry('e', "ppd"),
            Map.entry('f', "SSSSSS"),
            Map.entry('F', "yyyy-MM-dd"),
            Map.entry('H', "HH"),
            Map.entry('I', "hh"),
            Map.entry('j', "DDD"),
            Map.entry('m', "MM"),
            Map.entry('M', "mm"),
            Map.entry('p', "a"),
            Map.entry('S', "ss"),
            Map.entry('T', "HH:mm:ss"),
            Map.entry('y', "yy"),
            Map.entry('Y', "yyyy"));

    private Functions() {}

    static Map<String, Object> all(Clock clock) {
        Map<String, Object> functions = new HashMap<>();
        functions.put("raise_exception", (Callable) given -> {
            throw new TemplateRefusal(Values.text(given.required(0, "message")));
        });
        functions.put("strftime_now", (Callable) given -> date(given.text(0, "format"), LocalDateTime.now(clock)));
        functions.put("namespace", (Callable) given -> new Namespace(named(given)));
        functions.put("dict", (Callable) given -> new LinkedHashMap<Object, Object>(named(given)));
        functions.put("range", (Callable) Functions::range);
        functions.put("cycler", (Callable) given -> cycler(given.positional()));
        functions.put("joiner", (Callable) given -> joiner(given.text(0, "sep", ", ")));
        return functions;
    }

    private static Map<String, Object> named(Given given) {
        Map<String, Object> named = new LinkedHashMap<>();
        for (Object mapping : given.positional()) {
            if (!(mapping instanceof Map<?, ?> map)) {
                throw new TemplateException("a mapping is expected, not %s".formatted(Values.kind(mapping)));
            }
            map.forEach((key, value) -> named.put(Values.text(key), value));
        }
        named.putAll(given.named());
        return named;
    }

    private static List<Object> range(Given given) {
        int size = given.positional().size();
        long start = size < 2 ? 0 : Numbers.toLong(given.positional().get(0));
        long stop = Numbers.toLong(given.required(size < 2 ? 0 : 1, "stop"));
        long step = size < 3 ? 1 : Numbers.toLong(given.positional().get(2));
        if (step == 0 || Math.abs(stop - start) / Math.abs(step) > RANGE_MAX) {
            throw new TemplateException("a range has at most %d numbers".formatted(RANGE_MAX));
        }
        List<Object> range = new ArrayList<>();
        for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
            range.add(i);
        }
        return range;
    }

    private static Namespace cycler(List<Object> items) {
        int[] at = {0};
        return new Namespace(
                Map.of("next", (Callable) _ -> items.get(at[0]++ % items.size()), "reset", (Callable) _ -> {
                    at[0] = 0;
                    return Special.NONE;
                }));
    }

    private static Callable joiner(String separator) {
        boolean[] used = {false};
        return _ -> {
            String between = used[0] ? separator : "";
            used[0] = true;
            return between;
        };
    }

    private static String date(String format, LocalDateTime now) {
        StringBuilder date = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char next = format.charAt(i);
            if (next != '%' || i + 1 == format.length()) {
                date.append(next);
                continue;
            }
            char directive = format.charAt(++i);
            boolean unpadded = directive == '-' && i + 1 < format.length();
            String letters = DATES.get(unpadded ? format.charAt(++i) : directive);
            if (directive == '%') {
                date.append('%');
            } else if (directive == 'u') {
                date.append(now.getDayOfWeek().getValue());
            } else if (letters == null) {
                throw new TemplateException("strftime_now: the directive '%%%s' is not supported".formatted(directive));
            } else {
                String part = now.format(DateTimeFormatter.ofPattern(letters, Locale.ENGLISH));
                date.append(unpadded ? part.replaceFirst("^0+(?=.)", "") : part);
            }
        }
        return date.toString();
    }
}
