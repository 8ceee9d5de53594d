package dev.bellwether.standalone;

import java.time.Duration;

/** How long a program that died waits for its next start: 0.5 s, doubling to 10 s, anew after a minute of life. */
final class BackOff {
    private static final Duration FIRST = Duration.ofMillis(500);
    private static final Duration LAST = Duration.ofSeconds(10);
    private static final Duration LONG_LIFE = Duration.ofSeconds(60);

    private Duration next = FIRST;

    /** The wait after a life of the given length. */
    Duration after(Duration life) {
        Duration wait = life.compareTo(LONG_LIFE) >= 0 ? FIRST : next;
        Duration doubled = wait.multipliedBy(2);
        next = doubled.compareTo(LAST) > 0 ? LAST : doubled;
        return wait;
    }
}
