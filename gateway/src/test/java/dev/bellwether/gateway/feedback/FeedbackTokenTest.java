package dev.bellwether.gateway.feedback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.gateway.access.TokenKeys;
import dev.bellwether.gateway.http.ApiException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
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

    @Test
    void refusesWhatWasChangedInAnyPartAlsoAfterAGoodOneWasOpened() throws IOException {
        FeedbackToken.Sealer sealer = at(NOW);
        String sealed = sealer.seal("i", "support", "mia", 2);
        for (int round = 0; round < 2; round++) {
            for (int at = 0; at < sealed.length(); at++) {
                // The last character of a part may hold bits that count for nothing.
                if (!(sealed + '.').startsWith(".", at + 1)) {
                    char other = sealed.charAt(at) == 'A' ? 'B' : 'A';
                    assertForged(sealer, sealed.substring(0, at) + other + sealed.substring(at + 1));
                }
            }
            assertThat(sealer.open(sealed))
                    .isEqualTo(new FeedbackToken("i", "support", "mia", 2, NOW.plus(Duration.ofDays(7))));
        }
    }

    @Test
    void refusesWhatIsNoTokenOfItsOwn() throws IOException {
        FeedbackToken.Sealer sealer = at(NOW);
        String sealed = sealer.seal("i", "support", "mia", 2);
        String rest = sealed.substring(sealed.indexOf('.'));
        for (String header : List.of(
                "",
                "{",
                "[]",
                "null",
                "{}",
                "{\"alg\":\"dir\"}",
                "{\"kid\":\"k1\",\"alg\":\"dir\"}",
                "{\"kid\":null,\"enc\":null,\"alg\":null}",
                "{\"kid\":\"k1\",\"alg\":\"none\"}",
                "{\"kid\":\"k2\",\"enc\":\"A256GCM\",\"alg\":\"dir\"}")) {
            assertForged(sealer, Base64.getUrlEncoder().encodeToString(header.getBytes(StandardCharsets.UTF_8)) + rest);
        }
        for (String text : List.of("", ".", "....", "mia", sealed + ".", "." + sealed, sealed.replace("..", "."))) {
            assertForged(sealer, text);
        }
        assertForged(sealer, sealed.replace("..", ".AAAA."));
    }

    private static void assertForged(FeedbackToken.Sealer sealer, String token) {
        assertThatThrownBy(() -> sealer.open(token))
                .as(token)
                .isInstanceOfSatisfying(
                        ApiException.class, e -> assertThat(e.code()).isEqualTo("token_invalid"));
    }

    @Test
    void opensWhatEarlierVersionsSealed() throws IOException {
        String sealed = "eyJraWQiOiJrMSIsImVuYyI6IkEyNTZHQ00iLCJhbGciOiJkaXIifQ..zf3W_A18BFf_XvRb."
                + "wFEFPRPAg-JtaeQuXsJxLMsmjgPhpNAYOwSdwRsy01V5rF3rdfPW2DdIPTbNZc2rsEEjD6hbdDhs-owS8t0."
                + "TBohqNC0t4H539XwLag5oQ";
        assertThat(at(NOW).open(sealed))
                .isEqualTo(new FeedbackToken("i", "support", "mia", 2, NOW.plus(Duration.ofDays(7))));
    }

    @Test
    void refusesTheTokensOfAKeyThatIsGone() throws IOException {
        TokenKeys old = TokenKeys.parse(KEYS);
        TokenKeys other = TokenKeys.parse(KEYS.replace("kid: k1", "kid: k2"));
        AtomicReference<TokenKeys> keys = new AtomicReference<>(old);
        FeedbackToken.Sealer sealer = new FeedbackToken.Sealer(keys::get, Clock.fixed(NOW, ZoneOffset.UTC));
        String sealed = sealer.seal("i", "support", null, 1);
        assertThat(sealer.open(sealed).userHash()).isNull();
        keys.set(other);
        assertThatThrownBy(() -> sealer.open(sealed)).hasMessageContaining("not made by this service");
    }
}
