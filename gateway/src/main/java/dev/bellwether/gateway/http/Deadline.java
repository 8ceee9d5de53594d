package dev.bellwether.gateway.http;

import java.time.Duration;

/** A moment by {@link System#nanoTime()} at which somebody stops waiting. */
public record Deadline(long nanos) {
    public static Deadline in(Duration time) {
        return new Deadline(System.nanoTime() + time.toNanos());
    }

    /** Time left; not positive once it has passed. */
    public Duration left() {
        return Duration.ofNanos(nanos - System.nanoTime());
    }

    public boolean passed() {
        return nanos - System.nanoTime() <= 0;
    }
}
