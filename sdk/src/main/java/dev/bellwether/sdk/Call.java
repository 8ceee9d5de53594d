package dev.bellwether.sdk;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** A result whose cancellation, or that of what was made of it, ends what is under way for it. */
final class Call<T> extends CompletableFuture<T> {
    private volatile @Nullable Future<?> underWay;

    /** {@code result}, for which {@code underWay} is going on. */
    static <T> Call<T> of(CompletableFuture<T> result, Future<?> underWay) {
        Call<T> call = new Call<>();
        call.waitFor(underWay);
        CompletableFuture<T> unused = result.whenComplete((value, thrown) -> {
            if (thrown == null) {
                call.complete(value);
            } else {
                call.completeExceptionally(thrown);
            }
        });
        return call;
    }

    /** From now on {@code next} is what a cancellation ends. */
    void waitFor(Future<?> next) {
        underWay = next;
        if (isCancelled()) {
            next.cancel(true);
        }
    }

    @Override
    public boolean cancel(boolean mayInterrupt) {
        boolean cancelled = super.cancel(mayInterrupt);
        Future<?> ended = underWay;
        if (cancelled && ended != null) {
            ended.cancel(mayInterrupt);
        }
        return cancelled;
    }

    /** What is made of this call by {@code thenApply} and the like ends it when cancelled. */
    @Override
    public <U> CompletableFuture<U> newIncompleteFuture() {
        Call<U> made = new Call<>();
        made.underWay = this;
        return made;
    }
}
