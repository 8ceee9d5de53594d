package dev.bellwether.policy.prompt.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.regex.Pattern;

/** The methods of Python's {@code str}; positions count characters, not UTF-16 units. */
final class TextMethods {
    private static final Set<String> KNOWN = Set.of(
            "capitalize",
            "center",
            "count",
            "endswith",
            "find",
            "format",
            "index",
            "isalnum",
            "isalpha",
            "isdigit",
            "islower",
            "isspace",
            "isupper",
            "join",
            "ljust",
            "lower",
            "lstrip",
            "partition",
            "removeprefix",
            "removesuffix",
            "replace",
            "rfind",
            "rjust",
            "rpartition",
            "rsplit",
            "rstrip",
            "split",
            "splitlines",
            "startswith",
            "strip",
            "swapcase",
            "title",
            "upper",
            "zfill");

    private static final Pattern LINES = Pattern.compile("\r\n|[\n\r\u000b\f\u001c-\u001e\u0085\u2028\u2029]");
    private static final int PADDED_MAX = 10_000;

    private TextMethods() {}

    static boolean known(String name) {
        return KNOWN.contains(name);
    }

    static Object call(String text, String name, Given given) {
        return switch (name) {
            case "capitalize" -> capitalize(text);
            case "center" -> padded(text, given, 'c');
            case "count" -> (long) (text.split(Pattern.quote(given.text(0, "sub")), -1).length - 1);
            case "endswith" -> affix(given, text::endsWith);
            case "startswith" -> affix(given, text::startsWith);
            case "find" -> position(text, text.indexOf(given.text(0, "sub"), from(text, given)));
            case "rfind" -> position(text, text.lastIndexOf(given.text(0, "sub")));
            case "index" -> found(text, given);
            case "format" -> Formats.braces(text, given);
            case "isalnum" -> all(text, Character::isLetterOrDigit);
            case "isalpha" -> all(text, Character::isLetter);
            case "isdigit" -> all(text, Character::isDigit);
            case "isspace" -> all(text, Blanks::is);
            case "islower" -> !text.equals(upper(text)) && text.equals(lower(text));
            case "isupper" -> !text.equals(lower(text)) && text.equals(upper(text));
            case "join" -> joined(text, given);
            case "ljust" -> padded(text, given, 'l');
            case "rjust" -> padded(text, given, 'r');
            case "zfill" -> zeros(text, given.integer(0, "width", 0));
            case "lower" -> lower(text);
            case "upper" -> upper(text);
            case "swapcase" -> swapped(text);
            case "title" -> title(text);
            case "strip" -> strip(text, given, true, true);
            case "lstrip" -> strip(text, given, true, false);
            case "rstrip" -> strip(text, given, false, true);
            case "partition" -> partition(text, given.text(0, "sep"), text.indexOf(given.text(0, "sep")), true);
            case "rpartition" -> partition(text, given.text(0, "sep"), text.lastIndexOf(given.text(0, "sep")), false);
            case "removeprefix" ->
                text.startsWith(given.text(0, "prefix"))
                        ? text.substring(given.text(0, "prefix").length())
                        : text;
            case "removesuffix" ->
                text.endsWith(given.text(0, "suffix"))
                        ? text.substring(
                                0, text.length() - given.text(0, "suffix").length())
                        : text;
            case "replace" -> replace(text, given.text(0, "old"), given.text(1, "new"), given.integer(2, "count", -1));
            case "split" -> Splits.split(text, given);
            case "rsplit" -> Splits.splitFromEnd(text, given);
            case "splitlines" -> lines(text);
            default -> throw new IllegalArgumentException(name);
        };
    }

    static String lower(String text) {
        return text.toLowerCase(Locale.ROOT);
    }

    static String upper(String text) {
        return text.toUpperCase(Locale.ROOT);
    }

    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int end = text.offsetByCodePoints(0, 1);
        return titled(text.codePointAt(0)) + lower(text.substring(end));
    }

    private static String titled(int character) {
        return Character.toString(Character.toTitleCase(character));
    }

    private static String title(String text) {
        StringBuilder title = new StringBuilder();
        boolean inside = false;
        for (int character : text.codePoints().toArray()) {
            title.append(inside ? Character.toString(Character.toLowerCase(character)) : titled(character));
            inside = Character.isLetter(character);
        }
        return title.toString();
    }

    private static String swapped(String text) {
        StringBuilder swapped = new StringBuilder();
        text.codePoints()
                .forEach(character -> swapped.append(
                        Character.isUpperCase(character)
                                ? lower(Character.toString(character))
                                : upper(Character.toString(character))));
        return swapped.toString();
    }

    private static boolean all(String text, IntPredicate predicate) {
        return !text.isEmpty() && text.codePoints().allMatch(predicate);
    }

    /** One prefix or suffix, or any of a tuple. */
    private static boolean affix(Given given, java.util.function.Predicate<String> has) {
        Object affix = given.required(0, "prefix");
        if (affix instanceof List<?> several) {
            return several.stream().anyMatch(each -> has.test(Values.text(each)));
        }
        return has.test(given.text(0, "prefix"));
    }

    private static int from(String text, Given given) {
        int start = given.integer(1, "start", 0);
        int characters = text.codePointCount(0, text.length());
        int index = Math.max(0, start < 0 ? start + characters : Math.min(start, characters));
        return text.offsetByCodePoints(0, index);
    }

    private static long position(String text, int unit) {
        return unit < 0 ? -1 : text.codePointCount(0, unit);
    }

    private static long found(String text, Given given) {
        long position = position(text, text.indexOf(given.text(0, "sub"), from(text, given)));
        if (position < 0) {
            throw new TemplateException("substring not found");
        }
        return position;
    }

    private static String joined(String separator, Given given) {
        List<Object> items = Values.iterate(given.required(0, "iterable"));
        Growing joined = new Growing();
        for (int i = 0; i < items.size(); i++) {
            if (!(items.get(i) instanceof String part)) {
                throw new TemplateException("only texts can be joined, not %s".formatted(Values.kind(items.get(i))));
            }
            joined.add(i == 0 ? "" : separator).add(part);
        }
        return joined.toString();
    }

    static String padded(String text, Given given, char side) {
        int missing = Math.min(PADDED_MAX, given.integer(0, "width", 80)) - text.codePointCount(0, text.length());
        if (missing <= 0) {
            return text;
        }
        String fill = given.text(1, "fillchar", " ");
        int left = switch (side) {
            case 'l' -> 0;
            case 'r' -> missing;
            default -> missing / 2 + (missing & given.integer(0, "width", 80) & 1);
        };
        return new Growing().add(fill, left).add(text).add(fill, missing - left).toString();
    }

    private static String zeros(String text, int width) {
        int missing = Math.min(PADDED_MAX, width) - text.codePointCount(0, text.length());
        boolean signed = text.startsWith("-") || text.startsWith("+");
        return missing <= 0
                ? text
                : signed ? text.charAt(0) + "0".repeat(missing) + text.substring(1) : "0".repeat(missing) + text;
    }

    /** Blanks, or the characters that are given. */
    static String strip(String text, Given given, boolean start, boolean end) {
        String characters = given.text(0, "chars", "");
        boolean blanks =
                given.at(0, "chars").filter(value -> value != Special.NONE).isEmpty();
        IntPredicate goes = blanks ? Blanks::is : character -> characters.indexOf(character) >= 0;
        int from = 0;
        int to = text.length();
        while (start && from < to && goes.test(text.codePointAt(from))) {
            from += Character.charCount(text.codePointAt(from));
        }
        while (end && to > from && goes.test(text.codePointBefore(to))) {
            to -= Character.charCount(text.codePointBefore(to));
        }
        return text.substring(from, to);
    }

    private static Tuple partition(String text, String separator, int at, boolean first) {
        if (at < 0) {
            return first ? Tuple.of(text, "", "") : Tuple.of("", "", text);
        }
        return Tuple.of(text.substring(0, at), separator, text.substring(at + separator.length()));
    }

    static String replace(String text, String old, String with, int count) {
        Growing replaced = new Growing();
        int at = 0;
        int from = 0;
        for (int i = 0; i < count || count < 0; i++) {
            int next = text.indexOf(old, from);
            if (next < 0 || from > text.length()) {
                break;
            }
            replaced.add(text.substring(at, next)).add(with);
            at = next + old.length();
            from = old.isEmpty() ? behind(text, next) : at;
        }
        return replaced.add(text.substring(at)).toString();
    }

    private static int behind(String text, int at) {
        return at + (at < text.length() ? Character.charCount(text.codePointAt(at)) : 1);
    }

    static List<Object> lines(String text) {
        List<Object> lines = new ArrayList<>(List.of((Object[]) LINES.split(text, -1)));
        if (lines.getLast().equals("")) {
            lines.removeLast();
        }
        return lines;
    }
}
