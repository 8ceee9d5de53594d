package dev.bellwether.standalone;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The folder of one installation: its configuration, keys, event log, policies and logs, kept between runs and used by
 * one process at a time.
 *
 * <pre>
 * config/   bots.yaml keys.yaml token-keys.yaml api-key.txt operator-key.txt
 * kafka/ redis/ store/ gateway/ feedback-stream/ trainer/ logs/
 * run.json  what runs now       lock  who uses the folder
 * </pre>
 */
public final class DataFolder implements AutoCloseable {
    private static final int KEY_BYTES = 32;
    private static final YAMLMapper YAML = new YAMLMapper();

    private final Path directory;
    private final FolderLock lock;
    private final SecureRandom random;

    private DataFolder(Path directory, FolderLock lock, SecureRandom random) {
        this.directory = directory;
        this.lock = lock;
        this.random = random;
    }

    /** Takes a folder into use, making it if need be; refused while another process uses it. */
    public static DataFolder open(Path directory) {
        Path absolute = directory.toAbsolutePath().normalize();
        try {
            Files.createDirectories(absolute);
            return new DataFolder(absolute, FolderLock.take(absolute), new SecureRandom());
        } catch (IOException failure) {
            throw new UncheckedIOException("Cannot use the data folder " + absolute, failure);
        }
    }

    /**
     * Makes what is missing: folders, keys, the bots' configuration and their default policy.
     *
     * @param home the project's folder, which holds the default policy
     * @param bots a bots.yaml to use instead of the folder's own
     */
    public void prepare(Path home, Optional<Path> bots) {
        try {
            for (String name : List.of("kafka", "redis", "store", "logs")) {
                Files.createDirectories(directory.resolve(name));
            }
            prepareBots(bots);
            prepareKeys();
            if (!Files.exists(tokenKeys())) {
                new WholeFile(tokenKeys()).write("""
                        # The first key encrypts feedback tokens, all of them decrypt. To rotate: put a new key second on
                        # every gateway, then first on every gateway, and take the old one out a week later. The hash key
                        # stays: users are known by it.
                        token_keys:
                          - kid: k1
                            key: %s
                        hash_key: %s
                        """.formatted(newSecret(), newSecret()));
            }
            JsonNode configured = configuredBots(bots());
            for (String bot : botNames()) {
                String champion = configured.path(bot).path("champion").asText(DefaultPolicy.VERSION);
                // The reward model of an upstream's bot starts from the default policy.
                boolean upstream =
                        Files.exists(store().resolve(bot).resolve(champion).resolve("upstream.json"));
                if (upstream || champion.equals(DefaultPolicy.VERSION)) {
                    DefaultPolicy.of(home).copyTo(store().resolve(bot));
                }
            }
        } catch (IOException failure) {
            throw new UncheckedIOException("Cannot prepare the data folder " + directory, failure);
        }
    }

    private void prepareBots(Optional<Path> bots) throws IOException {
        if (bots.isPresent()) {
            if (!Files.isReadable(bots.get())) {
                throw new StandaloneException(
                        "bots_missing", "There is no readable file %s to take the bots from.".formatted(bots.get()));
            }
            configuredBots(bots.get());
            new WholeFile(bots()).write(Files.readString(bots.get()));
        } else if (!Files.exists(bots())) {
            try (InputStream template = DataFolder.class.getResourceAsStream("bots.yaml")) {
                if (template == null) {
                    throw new IOException("The class path holds no bots.yaml");
                }
                new WholeFile(bots()).write(new String(template.readAllBytes(), StandardCharsets.UTF_8));
            }
        }
    }

    /** The hashes are written last: without them all keys are made anew, so none is ever without its hash. */
    private void prepareKeys() {
        if (Files.exists(keys())) {
            return;
        }
        String apiKey = newKey();
        String operatorKey = newKey();
        new WholeFile(apiKeyFile()).write(apiKey + "\n");
        new WholeFile(operatorKeyFile()).write(operatorKey + "\n");
        new WholeFile(keys()).write("""
                # Keys are kept as SHA-256 only. Roles: chat, viewer, operator, approver, reviewer.
                keys:
                  - id: default
                    sha256: %s
                    bots: [%s]
                    roles: [chat]
                  - id: operator
                    sha256: %s
                    bots: ["*"]
                    roles: [viewer, operator, approver]
                """.formatted(sha256(apiKey), quoted(botNames()), sha256(operatorKey)));
    }

    private static String quoted(List<String> names) {
        return String.join(", ", names.stream().map(name -> "\"" + name + "\"").toList());
    }

    private String newKey() {
        return "bw-" + HexFormat.of().formatHex(randomBytes());
    }

    private String newSecret() {
        return Base64.getEncoder().encodeToString(randomBytes());
    }

    private byte[] randomBytes() {
        byte[] bytes = new byte[KEY_BYTES];
        random.nextBytes(bytes);
        return bytes;
    }

    private static String sha256(String text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** The bots that the configuration names, in its order. */
    public List<String> botNames() {
        return configuredBots(bots()).propertyStream().map(Map.Entry::getKey).toList();
    }

    private static JsonNode configuredBots(Path file) {
        try {
            JsonNode bots = YAML.readTree(file.toFile()).path("bots");
            if (!bots.isObject() || bots.isEmpty()) {
                throw new StandaloneException(
                        "bots_invalid", file + " names no bot. It needs `bots:` and under it one entry per bot.");
            }
            return bots;
        } catch (IOException failure) {
            throw new StandaloneException("bots_invalid", file + " cannot be read: " + failure.getMessage());
        }
    }

    public Path directory() {
        return directory;
    }

    public Path bots() {
        return config("bots.yaml");
    }

    public Path keys() {
        return config("keys.yaml");
    }

    public Path tokenKeys() {
        return config("token-keys.yaml");
    }

    public Path apiKeyFile() {
        return config("api-key.txt");
    }

    public Path operatorKeyFile() {
        return config("operator-key.txt");
    }

    /** The key that may chat with every bot there was when it was made. */
    public String apiKey() {
        return new WholeFile(apiKeyFile()).read().strip();
    }

    /** The key for the operators' port. */
    public String operatorKey() {
        return new WholeFile(operatorKeyFile()).read().strip();
    }

    public Path store() {
        return directory.resolve("store");
    }

    public Path kafka() {
        return directory.resolve("kafka");
    }

    public Path redis() {
        return directory.resolve("redis");
    }

    /** Where a service keeps its own data. */
    public Path service(String name) {
        return directory.resolve(name);
    }

    /** The log of a service. */
    public Path log(String name) {
        return directory.resolve("logs").resolve(name + ".log");
    }

    public RunFile runFile() {
        return RunFile.in(directory);
    }

    private Path config(String name) {
        return directory.resolve("config").resolve(name);
    }

    @Override
    public void close() {
        lock.close();
    }
}
