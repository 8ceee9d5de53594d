package dev.bellwether.gateway.access;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.bellwether.gateway.bots.SettingsFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * The secrets of {@code token-keys.yaml}. Of {@code token_keys} the first encrypts and all decrypt, so that they can be
 * rotated: a new one is put second on every gateway, then first on every gateway, and the old one leaves when its
 * tokens have expired. {@code hash_key} stays: users are known by it; where it is left out, it is the last token key.
 */
public final class TokenKeys {
    private static final int KEY_BYTES = 32;
    private static final String HMAC = "HmacSHA256";

    private final List<TokenKey> keys;

    /** Never used itself: each hash is computed with a copy, which spares looking the algorithm up. */
    private final Mac hash;

    private record File(
            @JsonProperty(value = "token_keys", required = true)
            List<TokenKey> keys,

            @JsonProperty("hash_key") @Nullable String hashKey) {}

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

    private final byte[] hashKey;
    private final boolean hashKeyNamed;

    private TokenKeys(List<TokenKey> keys, byte[] hashKey, boolean hashKeyNamed) {
        this.keys = List.copyOf(keys);
        this.hashKey = hashKey;
        this.hashKeyNamed = hashKeyNamed;
        try {
            hash = Mac.getInstance(HMAC);
            hash.init(new SecretKeySpec(hashKey, HMAC));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Reads the file again and again, and refuses what would make every user somebody new without saying so. */
    public static final class Reader {
        private byte @Nullable [] hashKey;

        public synchronized TokenKeys parse(String text) throws IOException {
            TokenKeys read = TokenKeys.parse(text);
            if (hashKey != null && !read.hashKeyNamed && !MessageDigest.isEqual(hashKey, read.hashKey)) {
                throw new IOException(
                        "without `hash_key` users are known by the last token key, which is another one now;"
                                + " write the `key` that was last before as `hash_key`");
            }
            hashKey = read.hashKey;
            return read;
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
        File file = SettingsFile.readSecret(text, File.class);
        if (file.keys().isEmpty()) {
            throw new IllegalArgumentException("token_keys is empty; one key is needed");
        }
        if (file.keys().stream().map(TokenKey::kid).distinct().count()
                < file.keys().size()) {
            throw new IllegalArgumentException("token_keys: a kid is there twice");
        }
        if (file.hashKey() == null) {
            return new TokenKeys(file.keys(), file.keys().getLast().bytes(), false);
        }
        require("hash_key", file.hashKey());
        return new TokenKeys(file.keys(), Base64.getDecoder().decode(file.hashKey()), true);
    }

    public TokenKey current() {
        return keys.getFirst();
    }

    public List<TokenKey> all() {
        return keys;
    }

    /** 128 bits that only who holds the hash key can compute from {@code text}. */
    public String derive(String text) {
        try {
            byte[] bits = ((Mac) hash.clone()).doFinal(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(bits, 0, 16);
        } catch (CloneNotSupportedException e) {
            throw new IllegalStateException(e);
        }
    }
}
