package dev.bellwether.policy.engine;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

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

    /** Waits for all. */
    static List<Completion> join(List<CompletableFuture<Completion>> futures) {
        try {
            return futures.stream().map(CompletableFuture::join).toList();
        } catch (CompletionException e) {
            throw new IllegalStateException("generation failed: " + e.getMessage(), e);
        }
    }
}
