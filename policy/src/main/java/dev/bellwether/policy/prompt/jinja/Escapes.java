package dev.bellwether.policy.prompt.jinja;

/** Python's escapes in a string literal. */
final class Escapes {
    private static final String SIMPLE = "ntrabfv\\'\"";
    private static final String MEANT = "\n\t\r\u0007\b\f\u000b\\'\"";

    private final String literal;
    private final StringBuilder text = new StringBuilder();
    private int at;

    private Escapes(String literal) {
        this.literal = literal;
    }

    /** What a literal in its quotes stands for; an unknown escape stays as it is written. */
    static String decode(String quoted) {
        return new Escapes(quoted.substring(1, quoted.length() - 1)).run();
    }

    private String run() {
        while (at < literal.length()) {
            char next = literal.charAt(at++);
            if (next == '\\' && at < literal.length()) {
                escape(literal.charAt(at++));
            } else {
                text.append(next);
            }
        }
        return text.toString();
    }

    private void escape(char kind) {
        int simple = SIMPLE.indexOf(kind);
        if (simple >= 0) {
            text.append(MEANT.charAt(simple));
            return;
        }
        switch (kind) {
            case '\n' -> {
                // The line goes on.
            }
            case 'x' -> code(2);
            case 'u' -> code(4);
            case 'U' -> code(8);
            case '0', '1', '2', '3', '4', '5', '6', '7' -> {
                at--;
                int end = at;
                while (end < Math.min(at + 3, literal.length()) && "01234567".indexOf(literal.charAt(end)) >= 0) {
                    end++;
                }
                text.appendCodePoint(Integer.parseInt(literal.substring(at, end), 8));
                at = end;
            }
            default -> text.append('\\').append(kind);
        }
    }

    private void code(int digits) {
        try {
            text.appendCodePoint(Integer.parseInt(literal.substring(at, at + digits), 16));
            at += digits;
        } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
            throw new TemplateException("'%s' has an escape that stands for nothing".formatted(literal));
        }
    }
}
