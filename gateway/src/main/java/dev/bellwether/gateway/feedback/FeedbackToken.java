package dev.bellwether.gateway.feedback;

import com.nimbusds.jose.EncryptionMethod;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWEAlgorithm;
import com.nimbusds.jose.JWEHeader;
import com.nimbusds.jose.crypto.DirectDecrypter;
import com.nimbusds.jose.crypto.DirectEncrypter;
import com.nimbusds.jwt.EncryptedJWT;
import com.nimbusds.jwt.JWTClaimsSet;
import dev.bellwether.gateway.access.TokenKeys;
import dev.bellwether.gateway.access.TokenKeys.TokenKey;
import dev.bellwether.gateway.http.ApiException;
import java.text.ParseException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What entitles its bearer to judge an interaction: only who received the reply has it.
 *
 * @param userHash the end user; none when the caller named none
 * @param replies number of replies that were shown
 */
public record FeedbackToken(
        String interactionId, String bot, @Nullable String userHash, int replies, Instant expires) {

    /** Seals tokens and opens them. */
    public static final class Sealer {
        private static final Duration VALID = Duration.ofDays(7);
        private static final Duration LEEWAY = Duration.ofSeconds(60);

        private final Supplier<TokenKeys> keys;
        private final Clock clock;

        public Sealer(Supplier<TokenKeys> keys, Clock clock) {
            this.keys = keys;
            this.clock = clock;
        }

        /** A token for an interaction served now. */
        public String seal(String interactionId, String bot, @Nullable String userHash, int replies) {
            TokenKey key = keys.get().current();
            JWTClaimsSet claims = new JWTClaimsSet.Builder()
                    .jwtID(interactionId)
                    .audience(bot)
                    .subject(userHash)
                    .claim("n", replies)
                    .expirationTime(Date.from(clock.instant().plus(VALID)))
                    .build();
            EncryptedJWT token = new EncryptedJWT(
                    new JWEHeader.Builder(JWEAlgorithm.DIR, EncryptionMethod.A256GCM)
                            .keyID(key.kid())
                            .build(),
                    claims);
            try {
                token.encrypt(new DirectEncrypter(key.bytes()));
            } catch (JOSEException e) {
                throw new IllegalStateException(e);
            }
            return token.serialize();
        }

        /** The content of {@code sealed}, if this gateway's keys made it and its time is not over. */
        public FeedbackToken open(String sealed) {
            FeedbackToken token = decrypt(sealed);
            if (clock.instant().isAfter(token.expires().plus(LEEWAY))) {
                throw ApiException.of(
                        410, "token_expired", "The feedback token expired at %s.".formatted(token.expires()));
            }
            return token;
        }

        private FeedbackToken decrypt(String sealed) {
            try {
                EncryptedJWT token = EncryptedJWT.parse(sealed);
                TokenKey key = keys.get()
                        .find(String.valueOf(token.getHeader().getKeyID()))
                        .orElseThrow(Sealer::forged);
                token.decrypt(new DirectDecrypter(key.bytes()));
                JWTClaimsSet claims = token.getJWTClaimsSet();
                return new FeedbackToken(
                        claims.getJWTID(),
                        claims.getAudience().getFirst(),
                        claims.getSubject(),
                        claims.getIntegerClaim("n"),
                        claims.getExpirationTime().toInstant());
            } catch (ParseException | JOSEException | IllegalArgumentException e) {
                throw forged();
            }
        }

        private static ApiException forged() {
            return ApiException.of(403, "token_invalid", "The feedback token was not made by this service.");
        }
    }
}
