package dev.bellwether.trainer.release;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointFiles;
import dev.bellwether.policy.checkpoint.LearnedFrom;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.policy.engine.BulkGeneration;
import dev.bellwether.policy.engine.Completion;
import dev.bellwether.policy.engine.GoldenCases;
import dev.bellwether.policy.engine.ModelFootprint;
import dev.bellwether.policy.engine.ModelLimits;
import dev.bellwether.policy.engine.OnnxExport;
import dev.bellwether.policy.engine.Precision;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.tensor.ComputeDevice;
import dev.bellwether.trainer.version.VersionCommand;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** A tiny model with adapters that have learned something, some of its matrices without one. */
class AdapterVersionTest {
    private static final Path TOKENIZER = Path.of("../default-policy/artefact");
    private static final LearnedFrom NOBODY = LearnedFrom.users(Set.of());
    private static final List<String> TARGETS = List.of("q_proj", "v_proj", "o_proj", "up_proj", "down_proj");

    @TempDir
    private Path directory = Path.of("");

    private PolicyStore store = new PolicyStore(Path.of(""));

    private void addBase(Instant when) throws IOException {
        Path model = Files.createDirectories(directory.resolve("a model"));
        CheckpointFiles.copyTokenizer(TOKENIZER, model);
        Files.writeString(model.resolve("config.json"), """
                {"model_type": "llama", "vocab_size": 4096, "hidden_size": 64, "intermediate_size": 96,
                 "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
                 "max_position_embeddings": 256, "bos_token_id": 3, "eos_token_id": 1, "tie_word_embeddings": true}
                """);
        CheckpointConfig config = CheckpointConfig.read(model);
        try (Weights weights = Weights.random(config, 1, ComputeDevice.CPU)) {
            weights.write(model, config, NumberFormat.BF16);
        }
        new Publication(store).publish(ArtefactLabel.added("desk", "base", ArtefactKind.CHECKPOINT, when), model);
    }

    @BeforeEach
    void publish() throws IOException {
        store = new PolicyStore(directory.resolve("store"));
        addBase(Instant.EPOCH);
        CheckpointConfig config = store.open("desk", "base").config();
        Publication publication = new Publication(store);
        MicroBatch batch = MicroBatch.of(List.of(new Sample(new int[] {3, 70, 80, 90, 500, 600}, 4)));
        try (Weights base = Weights.of(store.open("desk", "base"), ComputeDevice.CPU);
                Weights weights = base.trainable(config, Optional.of(new LoraConfig(4, 12, TARGETS)), 1);
                Parameters parameters = new Parameters(weights, Parameters.AdamW.PPO);
                Transformer model = new Transformer(config)) {
            for (int step = 0; step < 4; step++) {
                model.backward(weights, batch, 1, (logProbabilities, _, _) -> logProbabilities.sum());
                parameters.update(1e-2);
            }
            publication.publishAdapters(
                    new ArtefactLabel(
                            "desk", "taught", ArtefactKind.ADAPTER, "base", "base", Instant.EPOCH, null, null),
                    config,
                    weights,
                    directory.resolve("store/desk/base"),
                    NOBODY);
            publication.publish(
                    new ArtefactLabel(
                            "desk", "merged", ArtefactKind.CHECKPOINT, "base", null, Instant.EPOCH, null, null),
                    config,
                    weights,
                    directory.resolve("store/desk/base"),
                    NOBODY);
        }
    }

    private static List<Completion> greedy(Checkpoint checkpoint) {
        List<int[]> prompts = List.of(new int[] {3, 70, 80, 90}, new int[] {3, 100}, new int[] {3, 200, 201, 202});
        return BulkGeneration.generate(checkpoint, prompts, Sampling.at(0, 16, 1), Duration.ofMinutes(1));
    }

    @Test
    void writesWhatTheSameWeightsMergedWouldWrite() throws IOException {
        List<Completion> found = greedy(store.open("desk", "taught"));
        List<Completion> merged = greedy(store.open("desk", "merged"));
        List<Completion> base = greedy(store.open("desk", "base"));
        for (int i = 0; i < found.size(); i++) {
            assertThat(found.get(i).logProbabilities()[0])
                    .as("merged weights are rounded to bfloat16")
                    .isCloseTo(merged.get(i).logProbabilities()[0], within(.05f));
            assertThat(found.get(i).logProbabilities()[0])
                    .isNotCloseTo(base.get(i).logProbabilities()[0], within(.05f));
        }
        assertThat(directory.resolve("store/desk/taught/model.safetensors")).doesNotExist();
        assertThat(store.manifest("desk", "taught").artefactKind()).isEqualTo(ArtefactKind.ADAPTER);
        assertThat(store.list("desk")).extracting(each -> each.kind()).contains("adapter");
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void agreesWithItsGoldenCasesInEachPrecision(Precision precision) {
        GoldenCases.verify(store.open("desk", "taught"), 1, precision);
    }

    /** By one graph over the base's matrices, each with its own numbers. */
    @Test
    void computesBesideAnotherOfItsBaseInTheMemoryOfOne() throws IOException {
        CheckpointConfig config = store.open("desk", "base").config();
        try (Weights base = Weights.of(store.open("desk", "base"), ComputeDevice.CPU);
                Weights other = base.trainable(config, Optional.of(new LoraConfig(4, 12, TARGETS)), 2)) {
            new Publication(store)
                    .publishAdapters(
                            new ArtefactLabel(
                                    "desk", "other", ArtefactKind.ADAPTER, "base", "base", Instant.EPOCH, null, null),
                            config,
                            other,
                            directory.resolve("store/desk/base"),
                            NOBODY);
        }
        ModelFootprint taught = ModelFootprint.of(store.open("desk", "taught"), ModelLimits.DEFAULT);
        ModelFootprint other = ModelFootprint.of(store.open("desk", "other"), ModelLimits.DEFAULT);
        assertThat(other.shared()).isPresent().isEqualTo(taught.shared());
        assertThat(ModelFootprint.total(List.of(taught, other)))
                .isEqualTo(taught.ownBytes() + other.ownBytes() + taught.sharedBytes());
        assertThat(ModelFootprint.of(store.open("desk", "base"), ModelLimits.DEFAULT)
                        .shared())
                .isEmpty();
        List<Completion> alone = greedy(store.open("desk", "taught"));
        List<Completion> otherAlone = greedy(store.open("desk", "other"));
        for (int i = 0; i < 3; i++) {
            CompletableFuture<List<Completion>> beside =
                    CompletableFuture.supplyAsync(() -> greedy(store.open("desk", "other")));
            assertSame(greedy(store.open("desk", "taught")), alone);
            assertSame(beside.join(), otherAlone);
        }
        assertThat(alone.getFirst().logProbabilities())
                .isNotEqualTo(otherAlone.getFirst().logProbabilities());
    }

    @Test
    void isWrittenForOtherRuntimesWithItsNumbers() throws IOException, OrtException {
        Checkpoint taught = store.open("desk", "taught");
        Path out = Files.createDirectories(directory.resolve("exported"));
        CheckpointFiles.copyAll(taught.weightsDirectory(), out);
        OnnxExport.write(taught, out);
        try (OrtSession session = OrtEnvironment.getEnvironment()
                .createSession(out.resolve(OnnxExport.FILE).toString(), new OrtSession.SessionOptions())) {
            assertThat(session.getInputNames()).contains("ids", "past_key_1").noneMatch(name -> name.contains("down"));
        }
    }

    private static void assertSame(List<Completion> found, List<Completion> expected) {
        for (int i = 0; i < expected.size(); i++) {
            assertThat(found.get(i).tokens()).isEqualTo(expected.get(i).tokens());
            assertThat(found.get(i).logProbabilities())
                    .isEqualTo(expected.get(i).logProbabilities());
        }
    }

    @Test
    void trainsOnFromItsWeightsAndItsBasesTogether() {
        try (Weights taught = Weights.of(store.open("desk", "taught"), ComputeDevice.CPU);
                Weights merged = Weights.of(store.open("desk", "merged"), ComputeDevice.CPU)) {
            float[] ours = taught.toArray();
            float[] theirs = merged.toArray();
            for (int i = 0; i < ours.length; i += 1_000) {
                assertThat(ours[i]).isCloseTo(theirs[i], within(.01f * Math.max(.1f, Math.abs(theirs[i]))));
            }
        }
    }

    @Test
    void isNothingWithoutItsBase() throws IOException {
        assertThat(store.adaptersOf("desk", "base")).containsExactly("taught");
        StringWriter said = new StringWriter();
        assertThat(new CommandLine(new VersionCommand())
                        .setErr(new PrintWriter(said, true))
                        .execute("remove", "desk", "base", "--data", directory.toString()))
                .isEqualTo(1);
        assertThat(said.toString()).contains("taught holds adapters of it");
        store.remove("desk", "base");
        assertThatThrownBy(() -> store.open("desk", "taught"))
                .isInstanceOf(UnsupportedCheckpointException.class)
                .hasMessageContaining("base")
                .hasMessageContaining("not there");
        Files.delete(directory.resolve("a model/model.safetensors"));
        addBase(Instant.now());
        assertThatThrownBy(() -> store.open("desk", "taught"))
                .isInstanceOf(UnsupportedCheckpointException.class)
                .hasMessageContaining("another version base");
    }

    @ParameterizedTest
    @ValueSource(strings = {"adapter_model.safetensors", "adapter_config.json"})
    void isRefusedWhenAFileOfItIsNotWhatItWas(String file) throws IOException {
        Path damaged = directory.resolve("store/desk/taught").resolve(file);
        byte[] bytes = Files.readAllBytes(damaged);
        bytes[bytes.length - 3] ^= 1;
        Files.write(damaged, bytes);
        assertThatThrownBy(() -> store.open("desk", "taught"))
                .isInstanceOf(UnsupportedCheckpointException.class)
                .hasMessageContaining(file);
    }
}
