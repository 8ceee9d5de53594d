package dev.bellwether.gateway.http;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Threads for what takes too long for an event loop, with a bound on what may wait for them. */
public final class Workers implements AutoCloseable {
    private static final Duration RETRY = Duration.ofSeconds(1);
    private static final Duration IDLE = Duration.ofMinutes(1);

    private final ThreadPoolExecutor threads;

    public Workers(String name, int threads, int waitingMax) {
        this.threads = new ThreadPoolExecutor(
                threads,
                threads,
                IDLE.toSeconds(),
                TimeUnit.SECONDS,
                new ArrayBlockingQueue<>(waitingMax),
                Thread.ofPlatform().name(name + "-", 0).daemon().factory());
        this.threads.allowCoreThreadTimeOut(true);
    }

    /** Runs {@code work}; the result comes back on the caller's event loop. Full: 429. */
    public <T> Future<T> run(Callable<T> work) {
        return run(work, 0);
    }

    /** The same, and the thread then rests for {@code rest} times as long as the work took: what is too much never takes a core. */
    public <T> Future<T> run(Callable<T> work, int rest) {
        Promise<T> promise = Promise.promise();
        try {
            threads.execute(() -> {
                long start = System.nanoTime();
                attempt(work).onComplete(promise);
                if (rest > 0) {
                    rest(rest * (System.nanoTime() - start));
                }
            });
        } catch (RejectedExecutionException e) {
            promise.fail(overloaded());
        }
        return EventLoop.here(promise.future());
    }

    private static void rest(long nanos) {
        try {
            Thread.sleep(Duration.ofNanos(nanos));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whatever is thrown reaches who waits, so that nobody waits for ever. */
    private static <T> Future<T> attempt(Callable<T> work) {
        try {
            return Future.succeededFuture(work.call());
        } catch (Exception | Error e) {
            return Future.failedFuture(e);
        }
    }

    /** What a caller is told when there is more to do than can be done. */
    public static ApiException overloaded() {
        return ApiException.later(429, "overloaded", "The service is busy; try again shortly.", RETRY);
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
