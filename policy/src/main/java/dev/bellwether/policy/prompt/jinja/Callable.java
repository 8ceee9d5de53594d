package dev.bellwether.policy.prompt.jinja;

/** A macro, function or method. */
interface Callable {
    Object call(Given given);
}
