package dev.bellwether.policy.prompt.jinja;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Filters of texts. */
final class TextFilters {
    private static final Pattern WORD = Pattern.compile("\\w+", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern TITLED = Pattern.compile("[^-\\s({\\[<]+", Pattern.UNICODE_CHARACTER_CLASS);
    private static final int TRUNCATED = 255;
    private static final int LEEWAY = 5;

    private TextFilters() {}

    static Object apply(String name, String text, Given given) {
        return switch (name) {
            case "capitalize" -> TextMethods.capitalize(text);
            case "center" -> TextMethods.padded(text, given, 'c');
            case "format" -> Formats.percent(text, new Tuple(given.positional()));
            case "indent" -> indented(text, given);
            case "lower" -> TextMethods.lower(text);
            case "upper" -> TextMethods.upper(text);
            case "replace" ->
                TextMethods.replace(
                        text,
                        Values.text(given.required(0, "old")),
                        Values.text(given.required(1, "new")),
                        given.at(2, "count").orElse(Special.NONE) == Special.NONE ? -1 : given.integer(2, "count", -1));
            case "title" -> title(text);
            case "trim" -> TextMethods.strip(text, given, true, true);
            case "truncate" -> truncated(text, given);
            case "wordcount" -> WORD.matcher(text).results().count();
            default -> throw new IllegalArgumentException(name);
        };
    }

    static String escaped(String text) {
        return text.replace("&", "&amp;")
                .replace(">", "&gt;")
                .replace("<", "&lt;")
                .replace("'", "&#39;")
                .replace("\"", "&#34;");
    }

    /** Other than the method, it begins words anew at hyphens and brackets alone. */
    private static String title(String text) {
        return TITLED.matcher(text).replaceAll(word -> Matcher.quoteReplacement(TextMethods.capitalize(word.group())));
    }

    private static String indented(String text, Given given) {
        Object width = given.at(0, "width").orElse(4L);
        String step = width instanceof String own ? own : spaces(width);
        boolean first = given.truth(1, "first", false);
        boolean blank = given.truth(2, "blank", false);
        List<Object> lines = TextMethods.lines(text + "\n");
        Growing indented = new Growing();
        for (int i = 0; i < lines.size(); i++) {
            String line = (String) lines.get(i);
            boolean moved = i == 0 ? first : blank || !line.isEmpty();
            indented.add(i == 0 ? "" : "\n").add(moved ? step : "").add(line);
        }
        return indented.toString();
    }

    /** As many as a template asks for; as in Python, less than none are none. */
    static String spaces(Object count) {
        return new Growing()
                .add(" ", Math.clamp(Numbers.toLong(count), 0, Integer.MAX_VALUE))
                .toString();
    }

    private static String truncated(String text, Given given) {
        int length = given.integer(0, "length", TRUNCATED);
        String end = given.text(2, "end", "...");
        if (Values.length(text) <= length + given.integer(3, "leeway", LEEWAY)) {
            return text;
        }
        int kept = (int) Math.clamp(length - Values.length(end), 0, Values.length(text));
        String cut = text.substring(0, text.offsetByCodePoints(0, kept));
        boolean inside = given.truth(1, "killwords", false);
        return (inside || cut.lastIndexOf(' ') < 0 ? cut : cut.substring(0, cut.lastIndexOf(' '))) + end;
    }
}
