package dev.bellwether.stream;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class ReplacementTest {
    @Test
    void waitsLongerEachTimeAndAMinuteAtMostAndForgives() {
        AtomicReference<Instant> now = new AtomicReference<>(Instant.ofEpochSecond(1_000_000));
        InstantSource source = now::get;
        Clock clock = source.withZone(ZoneOffset.UTC);
        Replacement replacement = new Replacement(clock);
        assertThat(replacement.next()).isEqualTo(Duration.ofMillis(500));
        assertThat(replacement.next()).isEqualTo(Duration.ofSeconds(1));
        for (int i = 0; i < 10; i++) {
            replacement.next();
        }
        assertThat(replacement.next()).isEqualTo(Duration.ofMinutes(1));
        now.updateAndGet(time -> time.plus(Duration.ofMinutes(6)));
        assertThat(replacement.next()).isEqualTo(Duration.ofMillis(500));
    }
}
