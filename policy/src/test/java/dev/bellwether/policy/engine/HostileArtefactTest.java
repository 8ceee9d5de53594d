package dev.bellwether.policy.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.Manifest;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.PromptRefusedException;
import dev.bellwether.policy.prompt.Turn;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files of a version that somebody damaged, by chance or on purpose: each is taken, or refused by name. */
class HostileArtefactTest {
    private static final Path REFERENCE = DecoderSessionTest.REFERENCE.resolve("llama-tied");
    private static final Path POLICY = Path.of("../default-policy/artefact");

    /** What JSON, paths and numbers go wrong by. */
    private static final List<String> SPICES = List.of(
            "-1",
            "0",
            "1e308",
            "9223372036854775807",
            "99999999999999999999",
            "null",
            "true",
            "[]",
            "{}",
            "\"\"",
            "\"../../etc/passwd\"",
            "\"\\u0000\"",
            "[[[[[[[[",
            "}",
            ",",
            "\ud83d\ude42",
            "\u0000");

    @TempDir
    private Path directory = Path.of("");

    @BeforeEach
    void copy() throws IOException {
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.copy(REFERENCE.resolve(name), directory.resolve(name));
        }
        for (String name : List.of("tokenizer.json", "tokenizer_config.json", "manifest.json", "golden.jsonl")) {
            Files.copy(POLICY.resolve(name), directory.resolve(name));
        }
    }

    /** A few bytes changed, cut out or put in, within the first {@code range}. */
    private static byte[] mutated(byte[] bytes, int range, Random random) {
        byte[] changed = bytes;
        for (int i = 0; i <= random.nextInt(3) && changed.length > 0; i++) {
            int at = random.nextInt(Math.min(range, changed.length));
            switch (random.nextInt(4)) {
                case 0 -> {
                    changed = changed.clone();
                    changed[at] = (byte) random.nextInt(256);
                }
                case 1 -> changed = spliced(changed, at, random.nextInt(20), new byte[0]);
                case 2 -> changed = Arrays.copyOf(changed, at + 1);
                default -> {
                    String spice = SPICES.get(random.nextInt(SPICES.size()));
                    changed = spliced(changed, at, random.nextInt(8), spice.getBytes(StandardCharsets.UTF_8));
                }
            }
        }
        return changed;
    }

    private static byte[] spliced(byte[] bytes, int at, int cut, byte[] in) {
        int behind = Math.min(bytes.length, at + cut);
        return ByteBuffer.allocate(at + in.length + bytes.length - behind)
                .put(bytes, 0, at)
                .put(in)
                .put(bytes, behind, bytes.length - behind)
                .array();
    }

    private interface Opening {
        void open() throws IOException;
    }

    private void fuzz(String file, int range, int times, Opening opening) throws IOException {
        byte[] original = Files.readAllBytes(directory.resolve(file));
        int refused = 0;
        for (int seed = 0; seed < times; seed++) {
            Files.write(directory.resolve(file), mutated(original, range, new Random(seed)));
            try {
                opening.open();
            } catch (UnsupportedCheckpointException e) {
                refused++;
                assertThat(e.getMessage()).as("seed %d", seed).isNotBlank();
            } catch (PromptRefusedException e) {
                refused++;
            } catch (RuntimeException | Error e) {
                throw new AssertionError("%s with the seed %d".formatted(file, seed), e);
            }
        }
        assertThat(refused).isBetween(times / 10, times);
    }

    @Test
    void takesOrRefusesDamagedWeights() throws IOException {
        byte[] weights = Files.readAllBytes(directory.resolve("model.safetensors"));
        int header =
                (int) ByteBuffer.wrap(weights).order(ByteOrder.LITTLE_ENDIAN).getLong(0) + 8;
        fuzz(
                "model.safetensors",
                header,
                2_000,
                () -> Checkpoint.open(directory).parameters());
    }

    @Test
    void takesOrRefusesADamagedConfiguration() throws IOException {
        fuzz("config.json", 10_000, 2_000, () -> Checkpoint.open(directory));
    }

    @Test
    void takesOrRefusesADamagedManifest() throws IOException {
        fuzz("manifest.json", 10_000, 1_000, () -> Manifest.read(directory).verify(directory));
    }

    @Test
    void takesOrRefusesADamagedTokenizer() throws IOException {
        fuzz("tokenizer.json", 3_000, 150, this::layOut);
    }

    @Test
    void takesOrRefusesADamagedTemplate() throws IOException {
        fuzz("tokenizer_config.json", 10_000, 300, this::layOut);
    }

    private void layOut() {
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(directory)) {
            assertThat(tokenizer.prompt(List.of(Turn.user("Hello?")))).isNotNull();
        }
    }

    @Test
    void takesOrRefusesDamagedGoldenCases() throws IOException {
        Checkpoint policy = policyHere();
        fuzz("golden.jsonl", 4_000, 150, () -> GoldenCases.verify(policy, 1, Precision.FLOAT32));
    }

    private Checkpoint policyHere() throws IOException {
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.delete(directory.resolve(name));
            Files.copy(POLICY.resolve(name), directory.resolve(name));
        }
        return Checkpoint.open(directory);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            num_hidden_layers       | 2147483647         | num_hidden_layers
            vocab_size              | 2147483647         | shape
            hidden_size             | -64                | hidden_size
            num_key_value_heads     | 0                  | num_key_value_heads
            max_position_embeddings | 0                  | max_position_embeddings
            rope_theta              | -5                 | rope_theta
            """)
    void namesTheNumberThatCannotBe(String field, String value, String words) throws IOException {
        String config = Files.readString(directory.resolve("config.json")).strip();
        String without = config.replaceAll("\"rope_parameters\"\\s*:\\s*\\{[^}]*},?", "");
        Files.writeString(
                directory.resolve("config.json"),
                without.substring(0, without.length() - 1) + ", \"%s\": %s}".formatted(field, value));
        assertThatThrownBy(() -> Checkpoint.open(directory))
                .isInstanceOf(UnsupportedCheckpointException.class)
                .hasMessageContaining(words);
    }
}
