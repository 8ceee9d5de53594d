package dev.bellwether.policy.prompt.jinja;

/** What one rendering may take; a template that goes beyond it fails instead of holding a thread. */
final class Limits {
    private static final long STEPS_MAX = 5_000_000;
    private static final int OUTPUT_MAX = 4_000_000;
    private static final int DEPTH_MAX = 100;

    /** Copying this many characters counts as a step. */
    private static final int CHARACTERS_PER_STEP = 256;

    private long steps;
    private int depth;

    void step() {
        if (++steps > STEPS_MAX) {
            throw new TemplateException("the template takes more than %d steps".formatted(STEPS_MAX));
        }
    }

    /** No template can write more, so no text or list longer than this is put together. */
    static void requireLength(long length) {
        if (length > OUTPUT_MAX) {
            throw new TemplateException("a text or list of the template is longer than %d".formatted(OUTPUT_MAX));
        }
    }

    /** A text's letters are counted, since filters such as {@code escape} make it a few times longer each. */
    Object made(Object value) {
        if (Markup.plain(value) instanceof String text) {
            requireLength(text.length());
            steps += text.length() / CHARACTERS_PER_STEP;
            step();
        }
        return value;
    }

    void output(StringBuilder out) {
        if (out.length() > OUTPUT_MAX) {
            throw new TemplateException("the template writes more than %d characters".formatted(OUTPUT_MAX));
        }
    }

    void enter() {
        if (++depth > DEPTH_MAX) {
            throw new TemplateException("the template calls itself more than %d times deep".formatted(DEPTH_MAX));
        }
    }

    void leave() {
        depth--;
    }
}
