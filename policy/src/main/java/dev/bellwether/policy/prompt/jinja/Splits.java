package dev.bellwether.policy.prompt.jinja;

import java.util.ArrayList;
import java.util.List;

/** Python's {@code split}: by a separator, or by blanks of any length. */
final class Splits {
    private Splits() {}

    static List<Object> split(String text, Given given) {
        int most = given.integer(1, "maxsplit", -1);
        return byBlanks(given) ? words(text, most) : parts(text, separator(given), most);
    }

    static List<Object> splitFromEnd(String text, Given given) {
        int most = given.integer(1, "maxsplit", -1);
        List<Object> parts = new ArrayList<>();
        for (Object part : byBlanks(given)
                ? words(reversed(text), most)
                : parts(reversed(text), reversed(separator(given)), most)) {
            parts.addFirst(reversed((String) part));
        }
        return parts;
    }

    private static boolean byBlanks(Given given) {
        return given.at(0, "sep").filter(value -> value != Special.NONE).isEmpty();
    }

    private static String separator(Given given) {
        String separator = given.text(0, "sep");
        if (separator.isEmpty()) {
            throw new TemplateException("empty separator");
        }
        return separator;
    }

    private static String reversed(String text) {
        return new StringBuilder(text).reverse().toString();
    }

    private static List<Object> parts(String text, String separator, int most) {
        List<Object> parts = new ArrayList<>();
        int at = 0;
        int next = text.indexOf(separator);
        while (next >= 0 && parts.size() != most) {
            parts.add(text.substring(at, next));
            at = next + separator.length();
            next = text.indexOf(separator, at);
        }
        parts.add(text.substring(at));
        return parts;
    }

    private static List<Object> words(String text, int most) {
        List<Object> words = new ArrayList<>();
        String rest = Blanks.stripStart(text);
        while (!rest.isEmpty() && words.size() != most) {
            int end = 0;
            while (end < rest.length() && !Blanks.is(rest.charAt(end))) {
                end++;
            }
            words.add(rest.substring(0, end));
            rest = Blanks.stripStart(rest.substring(end));
        }
        if (!rest.isEmpty()) {
            words.add(rest);
        }
        return words;
    }
}
