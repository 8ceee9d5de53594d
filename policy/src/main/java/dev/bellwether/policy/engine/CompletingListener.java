package dev.bellwether.policy.engine;

import java.util.concurrent.CompletableFuture;

/** Completes a future with the whole reply. */
record CompletingListener(CompletableFuture<Completion> future) implements GenerationListener {
    @Override
    public void onToken(int token) {}

    @Override
    public void onEnd(Completion completion) {
        future.complete(completion);
    }

    @Override
    public void onFailure(RuntimeException failure) {
        future.completeExceptionally(failure);
    }
}
