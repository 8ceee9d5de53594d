package dev.bellwether.policy.checkpoint;

import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whatever bytes an artefact's files hold, they are taken, or refused by name. In the suite each runs its examples; a
 * search that follows the code's branches is
 * {@code JAZZER_FUZZ=1 ./bellwether test -pl policy -am -Dtest=ArtefactFuzzTest#METHOD -Dsurefire.failIfNoSpecifiedTests=false}.
 */
class ArtefactFuzzTest {
    private interface Reading {
        void read(Path directory) throws IOException;
    }

    private static void takenOrRefused(String name, byte[] bytes, Reading reading) throws IOException {
        Path directory = Files.createTempDirectory("fuzz");
        Path file = directory.resolve(name);
        try {
            Files.write(file, bytes);
            reading.read(directory);
        } catch (UnsupportedCheckpointException e) {
            if (String.valueOf(e.getMessage()).isBlank()) {
                throw new AssertionError("refused without a word", e);
            }
        } finally {
            Files.deleteIfExists(file);
            Files.delete(directory);
        }
    }

    static Stream<Arguments> weights() {
        return Stream.of(
                        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}",
                        "{\"__metadata__\":{\"format\":\"pt\"},\"b\":{\"dtype\":\"BF16\",\"shape\":[8],\"data_offsets\":[0,16]}}",
                        "{\"a\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"I8\",\"shape\":[8],\"data_offsets\":[8,16]}}",
                        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,16]}}",
                        "{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807],\"data_offsets\":[0,16]}}",
                        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2,-2],\"data_offsets\":[0,16]}}",
                        "{\"a\":{\"dtype\":\"F32\",\"shape\":[\"4\"],\"data_offsets\":[0,16]}}",
                        "{}")
                .map(header -> {
                    byte[] text = header.getBytes(StandardCharsets.UTF_8);
                    return arguments(ByteBuffer.allocate(8 + text.length + 16)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .putLong(text.length)
                            .put(text)
                            .array());
                });
    }

    @MethodSource("weights")
    @FuzzTest(maxDuration = "60s")
    void weights(byte[] bytes) throws IOException {
        takenOrRefused("model.safetensors", bytes, directory -> {
            Safetensors file = Safetensors.open(directory.resolve("model.safetensors"));
            for (Safetensors.Entry entry : file.entries().values()) {
                entry.requireFormat();
                file.read(entry.name());
            }
        });
    }

    static Stream<Arguments> manifests() throws IOException {
        return Stream.of(
                arguments((Object) Files.readAllBytes(Path.of("..", "default-policy", "artefact", "manifest.json"))));
    }

    @MethodSource("manifests")
    @FuzzTest(maxDuration = "60s")
    void manifests(byte[] bytes) throws IOException {
        takenOrRefused(
                "manifest.json", bytes, directory -> Manifest.read(directory).verify(directory));
    }

    static Stream<Arguments> configurations() {
        return Stream.of(
                        "{\"architectures\":[\"LlamaForCausalLM\"],\"hidden_size\":64,\"num_hidden_layers\":2,"
                                + "\"num_attention_heads\":4,\"num_key_value_heads\":2,\"intermediate_size\":96,"
                                + "\"vocab_size\":96,\"max_position_embeddings\":128,\"rms_norm_eps\":1e-6,"
                                + "\"rope_theta\":10000.0,\"eos_token_id\":2,\"tie_word_embeddings\":true}",
                        "{\"architectures\":[\"Qwen2ForCausalLM\"],\"rope_scaling\":{\"rope_type\":\"yarn\"}}")
                .map(text -> arguments((Object) text.getBytes(StandardCharsets.UTF_8)));
    }

    @MethodSource("configurations")
    @FuzzTest(maxDuration = "60s")
    void configurations(byte[] bytes) throws IOException {
        takenOrRefused("config.json", bytes, CheckpointConfig::read);
    }
}
