package dev.bellwether.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataFolderTest {
    private static final YAMLMapper YAML = new YAMLMapper();

    @TempDir
    private Path temporary;

    private Path home;
    private Path data;

    @BeforeEach
    void shipADefaultPolicy() throws IOException {
        home = temporary.resolve("home");
        data = temporary.resolve("data");
        Path nested = Files.createDirectories(home.resolve("default-policy/artefact/nested"));
        Files.writeString(nested.resolveSibling("manifest.json"), "{}");
        Files.writeString(nested.resolve("weights"), "1 2 3");
    }

    @Test
    void keepsOnlyTheHashesOfKeys() throws Exception {
        try (DataFolder folder = prepared()) {
            JsonNode keys = YAML.readTree(folder.keys().toFile()).path("keys");

            assertThat(folder.apiKey()).matches("bw-[0-9a-f]{64}").isNotEqualTo(folder.operatorKey());
            assertThat(keys.path(0).path("sha256").asText()).isEqualTo(sha256(folder.apiKey()));
            assertThat(keys.path(0).path("bots").path(0).asText()).isEqualTo("support");
            assertThat(keys.path(1).path("sha256").asText()).isEqualTo(sha256(folder.operatorKey()));
            assertThat(Files.readString(folder.keys())).doesNotContain(folder.apiKey());
        }
    }

    @Test
    void keyFilesAreForTheirOwnerOnly() throws IOException {
        try (DataFolder folder = prepared()) {
            for (Path file : new Path[] {folder.apiKeyFile(), folder.operatorKeyFile(), folder.tokenKeys()}) {
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                        .isEqualTo("rw-------");
            }
        }
    }

    @Test
    void makesOneTokenKeyOf256Bits() throws IOException {
        try (DataFolder folder = prepared()) {
            JsonNode key = YAML.readTree(folder.tokenKeys().toFile()).path("token_keys");

            assertThat(key).hasSize(1);
            assertThat(key.path(0).path("kid").asText()).isEqualTo("k1");
            assertThat(Base64.getDecoder().decode(key.path(0).path("key").asText()))
                    .hasSize(32);
        }
    }

    @Test
    void copiesTheWholeDefaultPolicyIntoTheStore() throws IOException {
        try (DataFolder folder = prepared()) {
            Path stored = folder.store().resolve("support");

            assertThat(stored.resolve("default/nested/weights")).hasContent("1 2 3");
            assertThat(stored.resolve("default/manifest.json"))
                    .content()
                    .contains("\"bot\" : \"support\"", "\"version\" : \"default\"");
            assertThat(stored)
                    .isDirectoryNotContaining(
                            path -> path.getFileName().toString().startsWith("."));
        }
    }

    @Test
    void secondUseKeepsKeysAndConfiguration() throws IOException {
        String apiKey;
        String tokenKeys;
        try (DataFolder folder = prepared()) {
            apiKey = folder.apiKey();
            tokenKeys = Files.readString(folder.tokenKeys());
            Files.writeString(folder.bots(), "# mine\n", StandardOpenOption.APPEND);
        }
        try (DataFolder folder = prepared()) {
            assertThat(folder.apiKey()).isEqualTo(apiKey);
            assertThat(folder.tokenKeys()).hasContent(tokenKeys);
            assertThat(folder.bots()).content().endsWith("# mine\n");
        }
    }

    @Test
    void refusesAFolderThatIsInUse() {
        try (DataFolder folder = DataFolder.open(data)) {
            assertThatThrownBy(() -> DataFolder.open(folder.directory()))
                    .isInstanceOf(StandaloneException.class)
                    .hasMessageContaining(data.toString())
                    .hasMessageContaining("process " + ProcessHandle.current().pid())
                    .hasMessageContaining("--data");
        }
    }

    @Test
    void servesTheBotsOfAGivenFile() throws IOException {
        Path bots = Files.writeString(
                temporary.resolve("mine.yaml"), "bots: {first: {champion: default}, second: {champion: other}}");
        try (DataFolder folder = DataFolder.open(data)) {
            folder.prepare(home, Optional.of(bots));

            assertThat(folder.botNames()).containsExactly("first", "second");
            assertThat(folder.store())
                    .isDirectoryContaining("glob:**/first")
                    .isDirectoryNotContaining("glob:**/second");
            assertThat(folder.keys()).content().contains("bots: [\"first\", \"second\"]");
        }
    }

    @Test
    void saysHowToGetAMissingDefaultPolicy() {
        try (DataFolder folder = DataFolder.open(data)) {
            assertThatThrownBy(() -> folder.prepare(temporary.resolve("elsewhere"), Optional.empty()))
                    .isInstanceOf(StandaloneException.class)
                    .hasMessageContaining("default-policy/make.sh");
        }
    }

    @Test
    void refusesAConfigurationWithoutBots() throws IOException {
        Path bots = Files.writeString(temporary.resolve("mine.yaml"), "bot: {}");
        try (DataFolder folder = DataFolder.open(data)) {
            assertThatThrownBy(() -> folder.prepare(home, Optional.of(bots))).hasMessageContaining("names no bot");
            assertThat(folder.bots()).doesNotExist();
            folder.prepare(home, Optional.empty());
            String before = Files.readString(folder.bots());
            assertThatThrownBy(() -> folder.prepare(home, Optional.of(bots))).hasMessageContaining("names no bot");
            assertThat(folder.bots()).hasContent(before);
        }
    }

    private DataFolder prepared() {
        DataFolder folder = DataFolder.open(data);
        folder.prepare(home, Optional.empty());
        return folder;
    }

    private static String sha256(String text) throws Exception {
        return HexFormat.of()
                .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    }
}
