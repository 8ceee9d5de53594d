package dev.bellwether.policy.prompt.jinja;

/**
 * A piece of a template's source.
 *
 * @param text of a text or string what it stands for, otherwise as it is written
 */
record Token(Kind kind, String text, int line) {
    enum Kind {
        TEXT,
        OUTPUT_START,
        OUTPUT_END,
        TAG_START,
        TAG_END,
        NAME,
        STRING,
        INTEGER,
        FLOAT,
        OPERATOR,
        END
    }

    boolean is(Kind wanted, String word) {
        return kind == wanted && text.equals(word);
    }
}
