package dev.bellwether.stream;

import java.time.Clock;
import java.time.Duration;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Replaces a stream thread that died, after a pause that grows while more die. */
final class Replacement implements StreamsUncaughtExceptionHandler {
    private static final Logger LOG = LoggerFactory.getLogger(Replacement.class);
    private static final Duration PAUSE_MIN = Duration.ofMillis(500);
    private static final Duration PAUSE_MAX = Duration.ofMinutes(1);

    /** After so long without a failure the pause is short again. */
    private static final Duration FORGIVEN_AFTER = Duration.ofMinutes(5);

    private final Clock clock;
    private Duration pause = PAUSE_MIN;
    private long failedMillis;

    Replacement(Clock clock) {
        this.clock = clock;
    }

    @Override
    public StreamThreadExceptionResponse handle(Throwable failure) {
        Duration now = next();
        LOG.error("a stream thread failed; another takes its place in {} ms", now.toMillis(), failure);
        try {
            Thread.sleep(now);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return StreamThreadExceptionResponse.REPLACE_THREAD;
    }

    /** How long to wait after a failure now. */
    synchronized Duration next() {
        long now = clock.millis();
        boolean forgiven = now - failedMillis > FORGIVEN_AFTER.toMillis();
        Duration current = forgiven ? PAUSE_MIN : pause;
        failedMillis = now;
        Duration doubled = current.multipliedBy(2);
        pause = doubled.compareTo(PAUSE_MAX) < 0 ? doubled : PAUSE_MAX;
        return current;
    }
}
