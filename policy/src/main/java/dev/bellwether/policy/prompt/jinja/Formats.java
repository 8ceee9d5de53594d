package dev.bellwether.policy.prompt.jinja;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Values put into a text's places: of Python's two forms what needs no format specification. */
final class Formats {
    private static final Pattern BRACES = Pattern.compile("\\{\\{|}}|\\{(\\w*)}");
    private static final Pattern PERCENT = Pattern.compile("%([%sdr])");

    private Formats() {}

    /** {@code "{} {name}".format(…)} */
    static String braces(String text, Given given) {
        Growing formatted = new Growing();
        int done = 0;
        Matcher places = BRACES.matcher(text);
        int next = 0;
        while (places.find()) {
            String name = places.group(1);
            String put;
            if (name == null) {
                put = places.group().substring(1);
            } else if (name.isEmpty()) {
                put = Values.text(given.required(next++, ""));
            } else if (Character.isDigit(name.charAt(0))) {
                put = Values.text(given.required(Integer.parseInt(name), name));
            } else {
                put = Values.text(given.required(Integer.MAX_VALUE, name));
            }
            formatted.add(text.substring(done, places.start())).add(put);
            done = places.end();
        }
        formatted.add(text.substring(done));
        if (text.matches("(?s).*\\{\\w*[:!.\\[].*")) {
            throw new TemplateException("format specifications are not supported: '%s'".formatted(text));
        }
        return formatted.toString();
    }

    /** {@code "%s" % value} */
    static String percent(String text, Object value) {
        List<Object> values = value instanceof Tuple tuple ? tuple : List.of(value);
        Growing formatted = new Growing();
        int done = 0;
        Matcher places = PERCENT.matcher(text);
        int next = 0;
        while (places.find()) {
            char kind = places.group(1).charAt(0);
            if (kind != '%' && next >= values.size()) {
                throw new TemplateException("not enough values for '%s'".formatted(text));
            }
            String put = switch (kind) {
                case '%' -> "%";
                case 'd' -> Long.toString((long) Numbers.toDouble(values.get(next++)));
                case 'r' -> Values.representation(values.get(next++));
                default -> Values.text(values.get(next++));
            };
            formatted.add(text.substring(done, places.start())).add(put);
            done = places.end();
        }
        if (next < values.size()) {
            throw new TemplateException("not all values fit into '%s'".formatted(text));
        }
        formatted.add(text.substring(done));
        return formatted.toString();
    }
}
