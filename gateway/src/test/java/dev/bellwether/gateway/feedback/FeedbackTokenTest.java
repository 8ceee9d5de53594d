package dev.bellwether.gateway.feedback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.gateway.access.TokenKeys;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;

class FeedbackTokenTest {
    private static final Instant NOW = Instant.parse("2026-11-26T12:00:00Z");
    private static final String KEYS = """
            token_keys: [{kid: k1, key: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=}]
            hash_key: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
            """;

    private static FeedbackToken.Sealer at(Instant time) throws IOException {
        TokenKeys keys = TokenKeys.parse(KEYS);
        return new FeedbackToken.Sealer(() -> keys, Clock.fixed(time, ZoneOffset.UTC));
    }

    @Test
    void opensWhatAnotherGatewaySealedWhoseClockIsOff() throws IOException {
        for (int minutes : new int[] {-10, 0, 10}) {
            String sealed = at(NOW.plus(Duration.ofMinutes(minutes))).seal("i", "support", "mia", 1);
            assertThat(at(NOW).open(sealed).interactionId()).isEqualTo("i");
        }
    }

    @Test
    void isExpiredAMinuteAfterItsTimeForClocksThatAreOff() throws IOException {
        String sealed = at(NOW).seal("i", "support", "mia", 1);
        Instant expires = at(NOW).open(sealed).expires();
        assertThat(at(expires.plusSeconds(59)).open(sealed).bot()).isEqualTo("support");
        assertThatThrownBy(() -> at(expires.plusSeconds(61)).open(sealed)).hasMessageContaining("expired");
    }
}
