package dev.bellwether.policy.prompt.jinja;

/** A text that a template puts together: what would be longer than a template may write is refused before it is in memory. */
final class Growing {
    private final StringBuilder text = new StringBuilder();

    Growing add(CharSequence part) {
        return add(part, 1);
    }

    Growing add(CharSequence part, int times) {
        Limits.requireLength(text.length() + (long) part.length() * times);
        text.repeat(part, times);
        return this;
    }

    Growing add(char unit) {
        Limits.requireLength(text.length() + 1L);
        text.append(unit);
        return this;
    }

    Growing addCodePoint(int character) {
        return add(Character.toString(character));
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
