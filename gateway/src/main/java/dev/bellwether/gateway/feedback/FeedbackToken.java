package dev.bellwether.gateway.feedback;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.nimbusds.jose.EncryptionMethod;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObject;
import com.nimbusds.jose.JWEAlgorithm;
import com.nimbusds.jose.JWEHeader;
import com.nimbusds.jose.JWEObject;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.DirectDecrypter;
import com.nimbusds.jose.crypto.DirectEncrypter;
import com.nimbusds.jose.crypto.impl.AAD;
import com.nimbusds.jose.util.Base64URL;
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

        /** Header, encrypted key (none), initialization vector, ciphertext and tag: RFC 7516, section 3.1. */
        private static final int JWE_PARTS = 5;

        private final Supplier<TokenKeys> keys;
        private final Clock clock;
        private final Map<TokenKey, Seal> seals = new ConcurrentHashMap<>();

        public Sealer(Supplier<TokenKeys> keys, Clock clock) {
            this.keys = keys;
            this.clock = clock;
        }

        /**
         * What of a token depends on its key alone. Its header is always written the same, letter for letter, so that nobody
         * else's has to be parsed.
         */
        private record Seal(JWEHeader header, DirectEncrypter encrypter, DirectDecrypter decrypter) {
            static Seal of(TokenKey key) {
                try {
                    ObjectNode header = Json.object()
                            .put("kid", key.kid())
                            .put("enc", EncryptionMethod.A256GCM.getName())
                            .put("alg", JWEAlgorithm.DIR.getName());
                    return new Seal(
                            JWEHeader.parse(Base64URL.encode(Json.bytes(header))),
                            new DirectEncrypter(key.bytes()),
                            new DirectDecrypter(key.bytes()));
                } catch (ParseException | JOSEException e) {
                    throw new IllegalStateException(e);
                }
            }
        }

        private Seal of(TokenKey key) {
            return seals.computeIfAbsent(key, Seal::of);
        }

        /** A token for an interaction served now. */
        public String seal(String interactionId, String bot, @Nullable String userHash, int replies) {
            Seal seal = of(keys.get().current());
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
                Base64URL[] parts = JOSEObject.split(sealed);
                if (parts.length != JWE_PARTS) {
                    throw forged();
                }
                Seal seal = keys.get().all().stream()
                        .map(this::of)
                        .filter(each -> each.header().toBase64URL().equals(parts[0]))
                        .findFirst()
                        .orElseThrow(Sealer::forged);
                byte[] claims = seal.decrypter()
                        .decrypt(
                                seal.header(),
                                parts[1].toString().isEmpty() ? null : parts[1],
                                parts[2],
                                parts[3],
                                parts[4],
                                AAD.compute(seal.header()));
                return of(Json.parse(claims));
            } catch (ParseException | JOSEException | IllegalArgumentException e) {
                throw forged();
            }
        }

        private static FeedbackToken of(ObjectNode claims) {
            if (!claims.path("jti").isTextual()
                    || !claims.path("aud").isTextual()
                    || !claims.path("n").isInt()
                    || !claims.path("exp").isIntegralNumber()) {
                throw forged();
            }
            return new FeedbackToken(
                    claims.path("jti").textValue(),
                    claims.path("aud").textValue(),
                    claims.path("sub").textValue(),
                    claims.path("n").intValue(),
                    Instant.ofEpochSecond(claims.path("exp").longValue()));
        }

        private static ApiException forged() {
            return ApiException.of(403, "token_invalid", "The feedback token was not made by this service.");
        }
    }
}
