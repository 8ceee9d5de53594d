package dev.bellwether.standalone;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * One process of this machine, told from a later one with the same pid by the instant it started.
 *
 * <p>Where the system does not tell the start instant, it is the epoch, and the process is never taken for a live one:
 * nothing is signalled on the strength of a pid alone.
 */
public record ProcessIdentity(long pid, Instant startedAt) {
    /** Linux derives the instant from its boot time, which moves a little when the clock is corrected. */
    private static final Duration TOLERANCE = Duration.ofSeconds(2);

    static ProcessIdentity of(ProcessHandle handle) {
        return new ProcessIdentity(handle.pid(), handle.info().startInstant().orElse(Instant.EPOCH));
    }

    /** The running process, if it is still the same one. */
    public Optional<ProcessHandle> live() {
        return ProcessHandle.of(pid)
                .filter(handle -> handle.isAlive() && !isZombie())
                .filter(handle -> handle.info()
                        .startInstant()
                        .filter(actual ->
                                Duration.between(actual, startedAt).abs().compareTo(TOLERANCE) <= 0)
                        .isPresent());
    }

    /**
     * Says whether the process has ended but its parent has not asked how: so it stays, where the first process of a
     * container adopts the children of a killed one and never asks.
     */
    private boolean isZombie() {
        try {
            String status =
                    Files.readString(Path.of("/proc", String.valueOf(pid), "stat"), StandardCharsets.ISO_8859_1);
            return status.startsWith("Z", status.lastIndexOf(')') + 2);
        } catch (IOException unknown) {
            return false;
        }
    }

    /** Asks the process to end, waits, and kills it at the limit; false if it lives even then. */
    boolean end(Duration limit) {
        live().ifPresent(ProcessHandle::destroy);
        if (awaitEnd(limit)) {
            return true;
        }
        live().ifPresent(ProcessHandle::destroyForcibly);
        return awaitEnd(Duration.ofSeconds(10));
    }

    boolean awaitEnd(Duration limit) {
        return Await.until(limit, Duration.ofMillis(50), () -> live().isEmpty());
    }
}
