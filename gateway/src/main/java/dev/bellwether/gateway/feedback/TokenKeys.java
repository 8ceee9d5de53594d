package dev.bellwether.gateway.feedback;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** The secrets of {@code token-keys.yaml}: the first encrypts, all decrypt, so that keys can be rotated. */
public record TokenKeys(
        @JsonProperty(value = "token_keys", required = true) List<TokenKey> keys) {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final int KEY_BYTES = 32;

    /** A 256-bit key and its name. */
    public record TokenKey(
            @JsonProperty(required = true) String kid,
            @JsonProperty(required = true) String key) {
        public TokenKey {
            if (Base64.getDecoder().decode(key).length != KEY_BYTES) {
                throw new IllegalArgumentException("token key %s is not base64 of 32 bytes".formatted(kid));
            }
        }

        byte[] bytes() {
            return Base64.getDecoder().decode(key);
        }

        @Override
        public String toString() {
            return "TokenKey[kid=%s, key=***]".formatted(kid);
        }
    }

    public TokenKeys {
        keys = List.copyOf(keys);
        if (keys.isEmpty()) {
            throw new IllegalArgumentException("token_keys is empty; one key is needed");
        }
    }

    public static TokenKeys parse(String text) throws IOException {
        return YAML.readValue(text, TokenKeys.class);
    }

    TokenKey current() {
        return keys.getFirst();
    }

    Optional<TokenKey> find(String kid) {
        return keys.stream().filter(key -> key.kid().equals(kid)).findFirst();
    }

    /** 128 bits that only who holds the oldest key can compute from {@code text}; they survive a rotation. */
    public String derive(String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(keys.getLast().bytes(), "HmacSHA256"));
            byte[] hash = mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash, 0, 16);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
