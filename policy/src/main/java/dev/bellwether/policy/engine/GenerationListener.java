package dev.bellwether.policy.engine;

/** Follows one generation; called on the engine's thread, so it must not block. */
public interface GenerationListener {
    void onToken(int token);

    void onEnd(Completion completion);

    void onFailure(RuntimeException failure);
}
