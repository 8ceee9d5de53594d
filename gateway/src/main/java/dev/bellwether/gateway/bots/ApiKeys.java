package dev.bellwether.gateway.bots;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The API keys of {@code keys.yaml}, known by their hashes alone. */
public record ApiKeys(List<ApiKey> keys) {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

    /** What a key entitles to. */
    public enum Role {
        CHAT,
        VIEWER,
        OPERATOR,
        APPROVER,
        REVIEWER
    }

    /**
     * One key.
     *
     * @param bots names of the bots it is good for, or {@code *}
     */
    public record ApiKey(
            @JsonProperty(required = true) String id,
            @JsonProperty(required = true) String sha256,
            @JsonProperty(required = true) List<String> bots,
            @JsonProperty(required = true) List<String> roles) {
        public ApiKey {
            if (!sha256.matches("[0-9a-f]{64}")) {
                throw new IllegalArgumentException("key %s: sha256 is not 64 hexadecimal digits".formatted(id));
            }
            bots = List.copyOf(bots);
            roles = roles.stream()
                    .map(role ->
                            Role.valueOf(role.toUpperCase(Locale.ROOT)).name().toLowerCase(Locale.ROOT))
                    .toList();
        }

        public boolean mayUse(String bot) {
            return bots.contains("*") || bots.contains(bot);
        }

        public boolean has(Role role) {
            return roles.contains(role.name().toLowerCase(Locale.ROOT));
        }
    }

    public ApiKeys {
        keys = List.copyOf(keys);
    }

    public static ApiKeys parse(String text) throws IOException {
        return YAML.readValue(text, ApiKeys.class);
    }

    /** The key whose secret is {@code secret}; every key is compared, in constant time each. */
    public Optional<ApiKey> find(String secret) {
        byte[] digest = sha256(secret);
        ApiKey found = null;
        for (ApiKey key : keys) {
            if (MessageDigest.isEqual(digest, HexFormat.of().parseHex(key.sha256()))) {
                found = key;
            }
        }
        return Optional.ofNullable(found);
    }

    static byte[] sha256(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
