package dev.bellwether.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** PEFT's folders, in and out; {@code reference/adapter} is one that PEFT wrote. */
class AdapterFolderTest {
    private static final Path BASE = Path.of("../policy/src/test/resources/reference/llama-tied");
    private static final Path ADAPTER = Path.of("src/test/resources/reference/adapter");
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path directory = Path.of("");

    private final Checkpoint checkpoint = Checkpoint.open(BASE);
    private final CheckpointConfig config = checkpoint.config();

    @Test
    void computesWhatPeftComputesOfItsFolder() throws IOException {
        JsonNode reference = JSON.readTree(ADAPTER.resolve("reference.json").toFile());
        int[] ids = JSON.treeToValue(reference.get("ids"), int[].class);
        float[][] logits = JSON.treeToValue(reference.get("logits"), float[][].class);
        MicroBatch batch = MicroBatch.of(List.of(new Sample(ids, 1)));
        try (Weights base = Weights.of(checkpoint, ComputeDevice.CPU);
                Weights adapted = AdapterFolder.read(base, config, ADAPTER);
                Transformer model = new Transformer(config)) {
            float[] found = model.logProbabilities(adapted, batch, 1);
            assertThat(found).hasSize(ids.length - 1);
            for (int t = 0; t < found.length; t++) {
                double sum = 0;
                for (float logit : logits[t]) {
                    sum += Math.exp(logit - logits[t][ids[t + 1]]);
                }
                assertThat((double) found[t]).isCloseTo(-Math.log(sum), within(1e-4));
            }
            adapted.write(directory, config, NumberFormat.F32);
            try (Weights merged = Weights.of(Checkpoint.open(directory), ComputeDevice.CPU)) {
                assertThat(model.logProbabilities(merged, batch, 1)).containsExactly(found, within(1e-4f));
            }
        }
    }

    @Test
    void readsWhatItWrote() throws IOException {
        LoraConfig lora = new LoraConfig(3, 12, List.of("k_proj", "o_proj", "gate_proj"));
        try (Weights base = Weights.of(checkpoint, ComputeDevice.CPU);
                Weights written = base.trainable(config, Optional.of(lora), 5)) {
            AdapterFolder.write(written, config, directory, "the base");
            try (Weights read = AdapterFolder.read(base, config, directory)) {
                assertThat(read.sameAs(written)).isTrue();
                assertThat(read.lora()).contains(lora);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "peft_type, IA3",
        "use_dora, true",
        "use_rslora, true",
        "bias, all",
        "modules_to_save, lm_head",
        "rank_pattern, q_proj",
        "alpha_pattern, q_proj",
        "fan_in_fan_out, true",
        "layer_replication, 0",
        "init_lora_weights, pissa_niter_4",
        "init_lora_weights, olora",
        "init_lora_weights, corda",
        "init_lora_weights, loftq",
        "r, 3",
        "r, 0"
    })
    void refusesByNameWhatItWouldComputeOtherwise(String field, String value) throws IOException {
        for (String file : List.of("adapter_config.json", "adapter_model.safetensors")) {
            Files.copy(ADAPTER.resolve(file), directory.resolve(file));
        }
        Path file = directory.resolve("adapter_config.json");
        ObjectNode json = (ObjectNode) JSON.readTree(file.toFile());
        json.set(
                field,
                value.matches("\\d+|true")
                        ? JSON.readTree(value)
                        : JSON.getNodeFactory().textNode(value));
        JSON.writeValue(file.toFile(), json);
        try (Weights base = Weights.of(checkpoint, ComputeDevice.CPU)) {
            assertThatThrownBy(() -> AdapterFolder.read(base, config, directory).close())
                    .isInstanceOf(UnsupportedCheckpointException.class)
                    .hasMessageContaining(field.equals("r") ? "rank " + value : field);
        }
    }

    @Test
    void refusesAdaptersOfAnotherModel() {
        Checkpoint other = Checkpoint.open(BASE.resolveSibling("qwen3-head-norms"));
        try (Weights base = Weights.of(other, ComputeDevice.CPU)) {
            assertThatThrownBy(() ->
                            AdapterFolder.read(base, other.config(), ADAPTER).close())
                    .isInstanceOf(UnsupportedCheckpointException.class)
                    .hasMessageContaining("does not fit the base");
        }
    }
}
