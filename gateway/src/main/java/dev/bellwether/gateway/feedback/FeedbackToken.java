package dev.bellwether.gateway.feedback;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.nimbusds.jose.EncryptionMethod;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWEAlgorithm;
import com.nimbusds.jose.JWEHeader;
import com.nimbusds.jose.JWEObject;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.DirectDecrypter;
import com.nimbusds.jose.crypto.DirectEncrypter;
import com.nimbusds.jwt.EncryptedJWT;
import com.nimbusds.jwt.JWTClaimsSet;
import dev.bellwether.gateway.access.TokenKeys;
import dev.bellwether.gateway.access.TokenKeys.TokenKey;
import dev.bellwether.gateway.http.ApiException;
import dev.bellwether.gateway.http.Json;
import java.text.ParseException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
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
        private final Map<TokenKey, Seal> seals = new ConcurrentHashMap<>();

        public Sealer(Supplier<TokenKeys> keys, Clock clock) {
            this.keys = keys;
            this.clock = clock;
        }

        /** What of a token depends on its key alone. */
        private record Seal(JWEHeader header, DirectEncrypter encrypter) {
            static Seal of(TokenKey key) {
                try {
                    return new Seal(
                            new JWEHeader.Builder(JWEAlgorithm.DIR, EncryptionMethod.A256GCM)
                                    .keyID(key.kid())
                                    .build(),
                            new DirectEncrypter(key.bytes()));
                } catch (JOSEException e) {
                    throw new IllegalStateException(e);
                }
            }
        }

        /** A token for an interaction served now. */
        public String seal(String interactionId, String bot, @Nullable String userHash, int replies) {
            Seal seal = seals.computeIfAbsent(keys.get().current(), Seal::of);
            ObjectNode claims = Json.object()
                    .put("jti", interactionId)
                    .put("aud", bot)
                    .put("n", replies)
                    .put("exp", clock.instant().plus(VALID).getEpochSecond());
            if (userHash != null) {
                claims.put("sub", userHash);
            }
            JWEObject token = new JWEObject(seal.header(), new Payload(Json.bytes(claims)));
            try {
                token.encrypt(seal.encrypter());
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
