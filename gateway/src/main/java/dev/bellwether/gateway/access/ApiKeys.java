package dev.bellwether.gateway.access;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.bellwether.gateway.bots.SettingsFile;
import java.io.IOException;
import java.security.MessageDigest;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** The API keys of {@code keys.yaml}, known by their hashes alone. */
public record ApiKeys(List<ApiKey> keys) {

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
    public record ApiKey(String id, byte[] sha256, Set<String> bots, Set<Role> roles) {
        public ApiKey {
            bots = Set.copyOf(bots);
            roles = Set.copyOf(roles);
        }

        public boolean mayUse(String bot) {
            return bots.contains("*") || bots.contains(bot);
        }

        public boolean has(Role role) {
            return roles.contains(role);
        }
    }

    private record File(@JsonProperty(required = true) List<Entry> keys) {}

    private record Entry(
            @JsonProperty(required = true) String id,
            @JsonProperty(required = true) String sha256,
            @JsonProperty(required = true) List<String> bots,
            @JsonProperty(required = true) List<String> roles) {
        private ApiKey key() {
            if (!sha256.matches("[0-9a-f]{64}")) {
                throw new IllegalArgumentException("key %s: sha256 is not 64 hexadecimal digits".formatted(id));
            }
            Set<Role> held = roles.stream()
                    .map(role -> Role.valueOf(role.toUpperCase(Locale.ROOT)))
                    .collect(Collectors.toCollection(() -> EnumSet.noneOf(Role.class)));
            return new ApiKey(id, HexFormat.of().parseHex(sha256), Set.copyOf(bots), held);
        }
    }

    public ApiKeys {
        keys = List.copyOf(keys);
    }

    public static ApiKeys parse(String text) throws IOException {
        return new ApiKeys(SettingsFile.readSecret(text, File.class).keys().stream()
                .map(Entry::key)
                .toList());
    }

    /** The key whose secret is {@code secret}; every key is compared, in constant time each. */
    public Optional<ApiKey> find(String secret) {
        byte[] digest = Sha256.of(secret);
        ApiKey found = null;
        for (ApiKey key : keys) {
            if (MessageDigest.isEqual(digest, key.sha256())) {
                found = key;
            }
        }
        return Optional.ofNullable(found);
    }
}
