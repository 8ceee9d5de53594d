package dev.bellwether.policy.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
    private static final Path REFERENCE = Path.of("src/test/resources/reference");

    @TempDir
    private Path directory = Path.of("");

    @Test
    void writesWhatItReads() throws IOException {
        Checkpoint original = Checkpoint.open(REFERENCE.resolve("llama-grouped-bf16"));
        Checkpoint.write(directory, original.config(), original.parameters(), NumberFormat.BF16);
        Checkpoint copy = Checkpoint.open(directory);
        assertThat(copy.parameters()).isEqualTo(original.parameters());
        assertThat(copy.config()).isEqualTo(original.config());
    }

    @Test
    void roundsToTheNearestBfloat16() {
        ByteBuffer buffer = ByteBuffer.allocate(2);
        NumberFormat.BF16.write(buffer, 1 + 3f / 512);
        buffer.flip();
        assertThat(NumberFormat.BF16.read(buffer)).isEqualTo(1 + 1f / 128);
    }

    @Test
    void refusesAnUnknownArchitectureByName() throws IOException {
        Files.writeString(directory.resolve("config.json"), "{\"architectures\": [\"GPT2LMHeadModel\"]}");
        assertThatThrownBy(() -> Checkpoint.open(directory)).hasMessageContaining("GPT2LMHeadModel");
    }

    @Test
    void refusesAHeaderOfGigabytes() throws IOException {
        broken(ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(0, 5_000_000_000L)
                .array());
        assertThatThrownBy(() -> Checkpoint.open(directory)).hasMessageContaining("header of 5000000000 bytes");
    }

    @Test
    void refusesTensorsBeyondTheFileAndOverlappingOnes() throws IOException {
        broken(file("{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}", 8));
        assertThatThrownBy(() -> Checkpoint.open(directory)).hasMessageContaining("outside the file");
        broken(file(
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                        + "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
                12));
        assertThatThrownBy(() -> Checkpoint.open(directory)).hasMessageContaining("overlap");
    }

    @Test
    void refusesMoreLayersThanAnyModelHas() throws IOException {
        String config = Files.readString(REFERENCE.resolve("llama-tied/config.json"));
        Files.writeString(
                directory.resolve("config.json"),
                config.replaceAll("\"num_hidden_layers\": \\d+", "\"num_hidden_layers\": 2147483647"));
        assertThatThrownBy(() -> Checkpoint.open(directory)).hasMessageContaining("num_hidden_layers is 2147483647");
    }

    @Test
    void refusesWeightsThatAreNoNumbers() throws IOException {
        Checkpoint original = Checkpoint.open(REFERENCE.resolve("llama-tied"));
        float[] weights = original.parameters();
        weights[weights.length / 2] = Float.NaN;
        Checkpoint.write(directory, original.config(), weights, NumberFormat.F32);
        assertThatThrownBy(() -> Checkpoint.open(directory).requireFinite()).hasMessageContaining("not finite");
    }

    private static byte[] file(String header, int data) {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + json.length + data)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json)
                .array();
    }

    private void broken(byte[] weights) throws IOException {
        Files.copy(
                REFERENCE.resolve("llama-tied/config.json"),
                directory.resolve("config.json"),
                StandardCopyOption.REPLACE_EXISTING);
        Files.write(directory.resolve("model.safetensors"), weights);
    }

    @Test
    void storeRefusesAVersionWhoseFileWasChangedAddedOrRemoved() throws IOException {
        Checkpoint original = Checkpoint.open(REFERENCE.resolve("llama-tied"));
        PolicyStore store = new PolicyStore(directory);
        Path version = store.publish(
                ArtefactLabel.added("support", "v1", ArtefactKind.CHECKPOINT, Instant.EPOCH),
                target -> Checkpoint.write(target, original.config(), original.parameters(), NumberFormat.F32));
        assertThat(store.open("support", "v1").parameters()).isEqualTo(original.parameters());
        Files.move(version, version.resolveSibling("v2"));
        assertThatThrownBy(() -> store.open("support", "v2")).hasMessageContaining("the manifest of version v1");
        Files.move(version.resolveSibling("v2"), version);
        Path extra = Files.writeString(version.resolve("extra"), "x");
        assertThatThrownBy(() -> store.open("support", "v1")).hasMessageContaining("extra is not in the manifest");
        Files.delete(extra);
        Files.writeString(version.resolve("config.json"), "{}");
        assertThatThrownBy(() -> store.open("support", "v1")).hasMessageContaining("config.json has another SHA-256");
        Files.delete(version.resolve("config.json"));
        assertThatThrownBy(() -> store.open("support", "v1")).hasMessageContaining("config.json is missing");
        assertThatThrownBy(() -> store.open("support", "../v1")).hasMessageContaining("is not a name");
    }

    @Test
    void stretchesRotaryFrequenciesAsLlama3Does() {
        RopeScaling scaling = new RopeScaling(8, 1, 4, 16);
        double fast = 2 * Math.PI / 3;
        double slow = 2 * Math.PI / 20;
        double between = 2 * Math.PI / 8;
        assertThat(scaling.apply(fast)).isEqualTo(fast);
        assertThat(scaling.apply(slow)).isEqualTo(slow / 8);
        assertThat(scaling.apply(between)).isBetween(between / 8, between);
    }
}
