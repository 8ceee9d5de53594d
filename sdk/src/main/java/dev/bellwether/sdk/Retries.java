package dev.bellwether.sdk;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;

/**
 * Tries again what may succeed later.
 *
 * <p>The n-th wait is drawn evenly from zero to {@code first · 2ⁿ}, at most {@code longest}, so that clients that
 * failed together do not come back together; the service's {@code retry-after} is waited out in full on top of that, or
 * not at all when it is longer than {@code retryAfterMax}.
 *
 * @param most further attempts after the first
 * @see <a href="https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/">Brooker: Exponential backoff
 *     and jitter</a>
 */
record Retries(
        int most, Duration first, Duration longest, Duration retryAfterMax, DoubleSupplier uniform, Pause pause) {
    static final Retries DEFAULT = new Retries(
            4,
            Duration.ofMillis(250),
            Duration.ofSeconds(8),
            Duration.ofMinutes(1),
            () -> java.util.concurrent.ThreadLocalRandom.current().nextDouble(),
            Retries::delayed);

    Retries {
        if (most < 0 || most > 100) {
            throw new IllegalArgumentException("retries must be 0 to 100, are " + most);
        }
        if (first.isNegative() || longest.compareTo(first) < 0) {
            throw new IllegalArgumentException("back-off from %s to %s".formatted(first, longest));
        }
    }

    /** A wait that holds no thread. */
    @FunctionalInterface
    interface Pause {
        CompletableFuture<Void> of(Duration duration);
    }

    private static CompletableFuture<Void> delayed(Duration duration) {
        Executor later = CompletableFuture.delayedExecutor(duration.toMillis(), TimeUnit.MILLISECONDS);
        return CompletableFuture.runAsync(() -> {}, later);
    }

    /** The first attempt that succeeds, or the last failure; cancelled, no other begins and the one under way ends. */
    <T> CompletableFuture<T> run(Supplier<CompletableFuture<T>> attempt) {
        Call<T> call = new Call<>();
        run(attempt, 0, call);
        return call;
    }

    private <T> void run(Supplier<CompletableFuture<T>> attempt, int failed, Call<T> call) {
        if (call.isDone()) {
            return;
        }
        CompletableFuture<T> current = attempt.get();
        call.waitFor(current);
        CompletableFuture<T> unused = current.whenComplete((value, thrown) -> {
            if (thrown == null) {
                call.complete(value);
                return;
            }
            RuntimeException failure = Wire.failure(thrown);
            Optional<Duration> wait = failed < most && failure instanceof BellwetherException ours && ours.retryable()
                    ? wait(failed, ours.retryAfter().orElse(Duration.ZERO))
                    : Optional.empty();
            if (wait.isEmpty()) {
                call.completeExceptionally(failure);
            } else {
                CompletableFuture<Void> pausing = pause.of(wait.get());
                call.waitFor(pausing);
                CompletableFuture<Void> unusedNext = pausing.thenRun(() -> run(attempt, failed + 1, call));
            }
        });
    }

    private Optional<Duration> wait(int failed, Duration retryAfter) {
        if (retryAfter.compareTo(retryAfterMax) > 0) {
            return Optional.empty();
        }
        double ceiling = Math.min((double) longest.toNanos(), first.toNanos() * Math.pow(2, failed));
        return Optional.of(retryAfter.plusNanos((long) (ceiling * uniform.getAsDouble())));
    }
}
