package dev.bellwether.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BackOffTest {
    private final BackOff backOff = new BackOff();

    @Test
    void doublesFromHalfASecondToTenSeconds() {
        var waits = IntStream.range(0, 7)
                .mapToObj(death -> backOff.after(Duration.ofSeconds(1)).toMillis());

        assertThat(waits).containsExactly(500L, 1_000L, 2_000L, 4_000L, 8_000L, 10_000L, 10_000L);
    }

    @Test
    void beginsAnewAfterAMinuteOfLife() {
        backOff.after(Duration.ZERO);
        backOff.after(Duration.ZERO);

        assertThat(backOff.after(Duration.ofSeconds(60))).isEqualTo(Duration.ofMillis(500));
        assertThat(backOff.after(Duration.ZERO)).isEqualTo(Duration.ofSeconds(1));
    }
}
