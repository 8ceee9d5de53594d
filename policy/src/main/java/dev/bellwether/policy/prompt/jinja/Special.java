package dev.bellwether.policy.prompt.jinja;

/** Python's {@code None}. */
enum Special {
    NONE
}
