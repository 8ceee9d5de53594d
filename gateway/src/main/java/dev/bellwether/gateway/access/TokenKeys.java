package dev.bellwether.gateway.access;

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
import org.jspecify.annotations.Nullable;

/**
 * The secrets of {@code token-keys.yaml}. Of {@code token_keys} the first encrypts and all decrypt, so that they can be
 * rotated: a new one is put second on every gateway, then first on every gateway, and the old one leaves when its
 * tokens have expired. {@code hash_key} stays: users are known by it.
 *
 * @param hashKey what users' hashes are made with; where it is left out, the last of the token keys
 */
public record TokenKeys(
        @JsonProperty(value = "token_keys", required = true) List<TokenKey> keys,
        @JsonProperty("hash_key") @Nullable String hashKey) {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final int KEY_BYTES = 32;
    private static final String HMAC = "HmacSHA256";

    /** A 256-bit key and its name. */
    public record TokenKey(
            @JsonProperty(required = true) String kid,
            @JsonProperty(required = true) String key) {
        public TokenKey {
            require("token key " + kid, key);
        }

        public byte[] bytes() {
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
        if (keys.stream().map(TokenKey::kid).distinct().count() < keys.size()) {
            throw new IllegalArgumentException("token_keys: a kid is there twice");
        }
        if (hashKey != null) {
            require("hash_key", hashKey);
        }
    }

    private static void require(String name, String key) {
        byte[] bytes;
        try {
            bytes = Base64.getDecoder().decode(key);
        } catch (IllegalArgumentException e) {
            bytes = new byte[0];
        }
        if (bytes.length != KEY_BYTES) {
            throw new IllegalArgumentException("%s is not base64 of 32 bytes".formatted(name));
        }
    }

    public static TokenKeys parse(String text) throws IOException {
        return YAML.readValue(text, TokenKeys.class);
    }

    public TokenKey current() {
        return keys.getFirst();
    }

    public Optional<TokenKey> find(String kid) {
        return keys.stream().filter(key -> key.kid().equals(kid)).findFirst();
    }

    /** 128 bits that only who holds the hash key can compute from {@code text}. */
    public String derive(String text) {
        byte[] secret =
                hashKey == null ? keys.getLast().bytes() : Base64.getDecoder().decode(hashKey);
        try {
            Mac mac = Mac.getInstance(HMAC);
            mac.init(new SecretKeySpec(secret, HMAC));
            byte[] hash = mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash, 0, 16);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public String toString() {
        return "TokenKeys[keys=%s, hashKey=***]".formatted(keys);
    }
}
