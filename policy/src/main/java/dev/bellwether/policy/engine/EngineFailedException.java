package dev.bellwether.policy.engine;

/** The engine failed and takes nothing more; it is being replaced. */
public final class EngineFailedException extends RuntimeException {
    EngineFailedException(Throwable cause) {
        super("the engine failed: " + cause, cause);
    }
}
