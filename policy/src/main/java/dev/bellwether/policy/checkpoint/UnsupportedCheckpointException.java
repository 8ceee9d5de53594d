package dev.bellwether.policy.checkpoint;

/** A checkpoint that is broken, or that asks for something Bellwether does not support; the message names it. */
public final class UnsupportedCheckpointException extends RuntimeException {
    public UnsupportedCheckpointException(String message) {
        super(message);
    }

    public UnsupportedCheckpointException(String message, Throwable cause) {
        super(message, cause);
    }
}
