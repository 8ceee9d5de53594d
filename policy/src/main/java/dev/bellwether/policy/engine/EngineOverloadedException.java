package dev.bellwether.policy.engine;

/** The engine's queue is full; try again later. */
public final class EngineOverloadedException extends RuntimeException {
    public EngineOverloadedException(int waiting) {
        super("the engine is busy: %d requests are waiting".formatted(waiting));
    }
}
