package dev.bellwether.policy.prompt.jinja;

import dev.bellwether.policy.prompt.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a template into tokens, with Jinja's rules of blanks as {@code transformers} sets them: {@code trim_blocks} (a line
 * break after a tag goes) and {@code lstrip_blocks} (blanks before a tag that begins its line go), {@code -} and {@code +}
 * beside a tag overrule them.
 */
final class Lexer {
    private static final Pattern START = Pattern.compile("\\{[{%#][-+]?");
    private static final Pattern RAW = Pattern.compile("\\s*raw\\s*(-%}\\s*|%})", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern END_RAW =
            Pattern.compile("\\{%([-+]?)\\s*endraw\\s*(\\+%}|-%}\\s*|%}\\n?)", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern END_COMMENT = Pattern.compile("\\+#}|-#}\\s*|#}\\n?", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern END_TAG = Pattern.compile("\\+%}|-%}\\s*|%}\\n?", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern END_OUTPUT = Pattern.compile("-}}\\s*|}}", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern INSIDE = Pattern.compile(
            "(?<blank>\\s+)"
                    + "|(?<float>\\d[\\d_]*(?:\\.\\d[\\d_]*(?:[eE][-+]?\\d+)?|[eE][-+]?\\d+))"
                    + "|(?<integer>0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\\d[\\d_]*)"
                    + "|(?<name>[\\p{L}_][\\p{L}\\p{N}\\p{M}_]*)"
                    + "|(?<string>'(?:[^'\\\\]|\\\\[\\s\\S])*+'|\"(?:[^\"\\\\]|\\\\[\\s\\S])*+\")"
                    + "|(?<operator>//|\\*\\*|==|!=|<=|>=|[-+*/%~\\[\\](){}=<>.:|,])",
            Pattern.UNICODE_CHARACTER_CLASS);

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;

    /** Whether the text from here on begins a line. */
    private boolean lineBegins = true;

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokens(String source) {
        String lines = source.replace("\r\n", "\n").replace('\r', '\n');
        // As Jinja does unless it is told otherwise.
        Lexer lexer = new Lexer(lines.endsWith("\n") ? lines.substring(0, lines.length() - 1) : lines);
        lexer.run();
        return lexer.tokens;
    }

    private void run() {
        Matcher start = START.matcher(source);
        while (start.find(at)) {
            String sign = start.group();
            text(source.substring(at, start.start()), sign);
            move(start.end());
            switch (sign.charAt(1)) {
                case '#' -> {
                    Matcher end = end(END_COMMENT, "comment");
                    leave(end);
                }
                case '%' -> tag();
                default -> inside(Kind.OUTPUT_START, END_OUTPUT, Kind.OUTPUT_END);
            }
        }
        add(Kind.TEXT, source.substring(at));
        add(Kind.END, "the template's end");
    }

    /** Text before a tag, whose sign says which blanks go. */
    private void text(String text, String sign) {
        String kept = text;
        if (sign.endsWith("-")) {
            kept = Blanks.stripEnd(text);
        } else if (!sign.endsWith("+") && sign.charAt(1) != '{') {
            int lineStart = text.lastIndexOf('\n') + 1;
            if ((lineStart > 0 || lineBegins) && Blanks.all(text.substring(lineStart))) {
                kept = text.substring(0, lineStart);
            }
        }
        if (!kept.isEmpty()) {
            add(Kind.TEXT, kept);
        }
    }

    private void tag() {
        Matcher raw = RAW.matcher(source).region(at, source.length());
        if (!raw.lookingAt()) {
            inside(Kind.TAG_START, END_TAG, Kind.TAG_END);
            return;
        }
        leave(raw);
        Matcher end = END_RAW.matcher(source);
        if (!end.find(at)) {
            throw TemplateException.at(line, "'raw' is not closed");
        }
        text(source.substring(at, end.start()), "{%" + end.group(1));
        leave(end);
    }

    private Matcher end(Pattern pattern, String what) {
        Matcher end = pattern.matcher(source);
        if (!end.find(at)) {
            throw TemplateException.at(line, "a %s is not closed".formatted(what));
        }
        return end;
    }

    private void leave(Matcher end) {
        move(end.end());
        lineBegins = source.charAt(at - 1) == '\n';
    }

    private void move(int to) {
        for (int i = at; i < to; i++) {
            line += source.charAt(i) == '\n' ? 1 : 0;
        }
        at = to;
    }

    private void add(Kind kind, String text) {
        tokens.add(new Token(kind, text, line));
    }

    private void inside(Kind startKind, Pattern endPattern, Kind endKind) {
        add(startKind, "");
        int open = 0;
        Matcher end = endPattern.matcher(source);
        Matcher next = INSIDE.matcher(source);
        while (at < source.length()) {
            if (open == 0 && end.region(at, source.length()).lookingAt()) {
                add(endKind, "the tag's end");
                leave(end);
                return;
            }
            if (!next.region(at, source.length()).lookingAt()) {
                throw TemplateException.at(line, "unexpected '%s'".formatted(source.charAt(at)));
            }
            String found = next.group();
            open += found.length() == 1 && "([{".contains(found) ? 1 : 0;
            open -= found.length() == 1 && ")]}".contains(found) ? 1 : 0;
            if (next.group("blank") == null) {
                add(kind(next), next.group("string") == null ? found : Escapes.decode(found));
            }
            move(next.end());
        }
        throw TemplateException.at(line, "a tag is not closed");
    }

    private static Kind kind(Matcher found) {
        if (found.group("float") != null) {
            return Kind.FLOAT;
        }
        if (found.group("integer") != null) {
            return Kind.INTEGER;
        }
        if (found.group("name") != null) {
            return Kind.NAME;
        }
        return found.group("string") != null ? Kind.STRING : Kind.OPERATOR;
    }
}
