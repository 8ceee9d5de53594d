package dev.bellwether.simulation;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Turns Ctrl-C or SIGTERM into a question that work under way can ask, so that it ends in order with its report. */
final class Interruption implements AutoCloseable {
    private final CountDownLatch finished = new CountDownLatch(1);
    private final Thread hook;
    private volatile boolean asked;

    /**
     * @param grace how long the process waits for the work to end
     */
    Interruption(Duration grace) {
        hook = new Thread(() -> {
            asked = true;
            try {
                boolean _ = finished.await(grace.toNanos(), TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /** Whether the work is to end. */
    boolean asked() {
        return asked;
    }

    @Override
    public void close() {
        if (!asked) {
            Runtime.getRuntime().removeShutdownHook(hook);
        }
        finished.countDown();
    }
}
