package dev.bellwether.policy.prompt.jinja;

/** A text that counts as HTML ({@code safe}, {@code escape}): another text that is added to it is escaped. */
record Markup(String text) {
    static Markup escaped(Object value) {
        return value instanceof Markup markup ? markup : new Markup(TextFilters.escaped(Values.text(value)));
    }

    /** The text alone, of what may be markup. */
    static Object plain(Object value) {
        return value instanceof Markup markup ? markup.text() : value;
    }
}
