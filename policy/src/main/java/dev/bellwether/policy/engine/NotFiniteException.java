package dev.bellwether.policy.engine;

/** A model's output is no number. */
public final class NotFiniteException extends RuntimeException {
    NotFiniteException() {
        super("the model's output is not finite");
    }
}
