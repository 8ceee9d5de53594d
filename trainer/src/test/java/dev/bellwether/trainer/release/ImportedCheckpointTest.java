package dev.bellwether.trainer.release;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.checkpoint.Safetensors;
import dev.bellwether.policy.checkpoint.TensorShape;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.policy.checkpoint.WeightFiles;
import dev.bellwether.trainer.model.AdapterFolder;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tiny checkpoints of random weights with the default policy's tokenizer, as their makers may lay them out. */
class ImportedCheckpointTest {
    private static final Path POLICY = Path.of("../default-policy/artefact");
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path directory = Path.of("");

    private Path source = Path.of("");
    private PolicyStore store = new PolicyStore(Path.of(""));

    @BeforeEach
    void layOut() throws IOException {
        source = Files.createDirectory(directory.resolve("a model"));
        store = new PolicyStore(directory.resolve("store"));
        for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
            Files.copy(POLICY.resolve(name), source.resolve(name));
        }
        write(source, "llama", true, 1, NumberFormat.BF16);
    }

    private static float[] random(CheckpointConfig config, long seed) {
        try (Weights weights = Weights.random(config, seed, ComputeDevice.CPU)) {
            return weights.toArray();
        }
    }

    private static CheckpointConfig write(Path folder, String type, boolean tied, long seed, NumberFormat format)
            throws IOException {
        Files.deleteIfExists(folder.resolve("model.safetensors"));
        Files.writeString(folder.resolve("config.json"), """
                {"model_type": "%s", "vocab_size": 4096, "hidden_size": 32, "intermediate_size": 48,
                 "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
                 "max_position_embeddings": 256, "bos_token_id": 3, "eos_token_id": 1, "tie_word_embeddings": %s}
                """.formatted(type, tied));
        CheckpointConfig config = CheckpointConfig.read(folder);
        Safetensors.write(folder.resolve("model.safetensors"), config.tensors(), random(config, seed), format);
        return config;
    }

    private void configure(Consumer<ObjectNode> change) throws IOException {
        edit("config.json", change);
    }

    private void edit(String file, Consumer<ObjectNode> change) throws IOException {
        Path path = source.resolve(file);
        ObjectNode json = Files.exists(path) ? (ObjectNode) JSON.readTree(path.toFile()) : JSON.createObjectNode();
        change.accept(json);
        JSON.writeValue(path.toFile(), json);
    }

    private ImportedCheckpoint publish() throws IOException {
        return ImportedCheckpoint.publish(store, "support", "v1", source);
    }

    private void refuses(String... words) throws IOException {
        assertThatThrownBy(this::publish)
                .isInstanceOf(UnsupportedCheckpointException.class)
                .hasMessageContainingAll(words);
        assertThat(store.names("support")).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(NumberFormat.class)
    void keepsTheFilesAsTheyAre(NumberFormat format) throws IOException {
        write(source, "llama", false, 7, format);
        Path published = publish().path();
        for (String file : List.of("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json")) {
            assertThat(published.resolve(file)).hasSameBinaryContentAs(source.resolve(file));
        }
        assertThat(store.open("support", "v1").config().beginToken()).isEqualTo(3);
    }

    @ParameterizedTest
    @CsvSource({"llama", "qwen2", "qwen3", "mistral"})
    void servesEveryArchitectureAsTheTrainerComputesIt(String type) throws IOException {
        write(source, type, false, 2, NumberFormat.F32);
        assertThat(publish().warnings()).isEmpty();
        assertThat(store.open("support", "v1").directory().resolve("golden.jsonl"))
                .isNotEmptyFile();
    }

    @Test
    void mergesAnAdapterIntoWhatItServes() throws IOException {
        CheckpointConfig config = write(source, "qwen2", false, 2, NumberFormat.F32);
        float[] before = Checkpoint.open(source).parameters();
        try (Weights base = Weights.of(Checkpoint.open(source), ComputeDevice.CPU);
                Weights adapted = base.trainable(config, Optional.of(LoraConfig.DEFAULT), 3)) {
            AdapterFolder.write(adapted, config, directory.resolve("nothing learned"), "base");
            AdapterFolder.write(
                    base.trainable(config, Optional.of(LoraConfig.DEFAULT), 4),
                    config,
                    directory.resolve("other"),
                    "base");
        }
        ImportedCheckpoint.publish(store, "support", "v1", source, Optional.of(directory.resolve("nothing learned")));
        assertThat(store.open("support", "v1").parameters()).isEqualTo(before);
        Files.delete(directory.resolve("other/adapter_config.json"));
        assertThatThrownBy(() -> ImportedCheckpoint.publish(
                        store, "support", "v2", source, Optional.of(directory.resolve("other"))))
                .isInstanceOf(UnsupportedCheckpointException.class)
                .hasMessageContaining("adapter_config.json");
        assertThat(store.names("support")).containsExactly("v1");
    }

    @Test
    void followsTheLinksOfACache() throws IOException {
        Path blobs = Files.createDirectory(directory.resolve("blobs"));
        Path snapshot = Files.createDirectories(directory.resolve("snapshots").resolve("main"));
        try (Stream<Path> files = Files.list(source)) {
            for (Path file : files.toList()) {
                Path blob = Files.copy(file, blobs.resolve(String.valueOf(file.getFileName())));
                Files.createSymbolicLink(snapshot.resolve(String.valueOf(file.getFileName())), blob);
            }
        }
        source = Files.createSymbolicLink(directory.resolve("linked"), snapshot);
        assertThat(publish().path().resolve("model.safetensors")).isRegularFile();
        assertThat(store.open("support", "v1").parameters()).hasSizeGreaterThan(4096 * 32);
    }

    private float[] shard(long seed) throws IOException {
        CheckpointConfig config = CheckpointConfig.read(source);
        float[] numbers = random(config, seed);
        List<TensorShape> tensors = config.tensors();
        ObjectNode index = JSON.createObjectNode();
        int at = 0;
        for (int part = 0; part < 2; part++) {
            List<TensorShape> mine = part == 0 ? tensors.subList(0, 4) : tensors.subList(4, tensors.size());
            int size = (int) mine.stream().mapToLong(TensorShape::size).sum();
            String name = "model-%d-of-2.safetensors".formatted(part);
            Safetensors.write(source.resolve(name), mine, Arrays.copyOfRange(numbers, at, at + size), NumberFormat.F32);
            mine.forEach(tensor -> index.withObjectProperty("weight_map").put(tensor.name(), name));
            at += size;
        }
        JSON.writeValue(source.resolve("model.safetensors.index.json").toFile(), index);
        return numbers;
    }

    @Test
    void takesShardsByTheirIndex() throws IOException {
        float[] numbers = shard(5);
        Files.delete(source.resolve("model.safetensors"));
        assertThat(WeightFiles.present(source)).isTrue();
        publish();
        assertThat(store.open("support", "v1").parameters()).isEqualTo(numbers);
        Files.delete(source.resolve("model-1-of-2.safetensors"));
        assertThatThrownBy(() -> ImportedCheckpoint.publish(store, "support", "v2", source))
                .hasMessageContaining("model-1-of-2.safetensors");
    }

    @Test
    void takesTheNewFileBeforeOldShards() throws IOException {
        float[] old = shard(5);
        publish();
        assertThat(store.open("support", "v1").parameters()).isNotEqualTo(old);
        assertThat(Checkpoint.open(source).parameters())
                .isEqualTo(store.open("support", "v1").parameters());
    }

    @Test
    void usesAHeadThatDiffersFromTheEmbeddingThoughTheConfigurationSaysTied() throws IOException {
        CheckpointConfig untied = write(source, "llama", false, 3, NumberFormat.F32);
        configure(json -> json.put("tie_word_embeddings", true));
        publish();
        assertThat(store.open("support", "v1").config().tiedEmbeddings()).isFalse();
        float[] numbers = random(untied, 3);
        int embeddings = 4096 * 32;
        System.arraycopy(numbers, 0, numbers, numbers.length - embeddings, embeddings);
        Files.delete(source.resolve("model.safetensors"));
        Safetensors.write(source.resolve("model.safetensors"), untied.tensors(), numbers, NumberFormat.F32);
        assertThat(Checkpoint.open(source).config().tiedEmbeddings()).isTrue();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"rope_scaling": {"rope_type": "yarn", "factor": 4}}                                 | rope_type 'yarn'
            {"rope_scaling": {"type": "linear", "factor": 2}}                                    | rope_type 'linear'
            {"rope_parameters": {"rope_type": "dynamic", "factor": 2}}                           | rope_type 'dynamic'
            {"rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4}} | original_max_position_embeddings
            {"partial_rotary_factor": 0.5}                                                       | partial_rotary_factor 0.5
            {"hidden_act": "gelu"}                                                               | hidden_act 'gelu'
            {"attention_bias": true}                                                             | attention_bias
            {"quantization_config": {"quant_method": "awq"}}                                     | quantization_config 'awq'
            {"model_type": "mistral", "sliding_window": 128}                                     | sliding_window 128
            {"model_type": "mistral", "max_position_embeddings": 8192}                           | sliding_window 4096
            {"rope_scaling": {"type": "yarn", "factor": 4}, "rope_parameters": {"rope_type": "default"}} | contradict
            {"rope_scaling": {"rope_theta": 5000}, "rope_parameters": {"rope_theta": 10000}}     | contradict
            {"model_type": "gpt2"}                                                               | 'gpt2' is not supported
            {"num_key_value_heads": 3}                                                           | num_key_value_heads 3
            {"tie_word_embeddings": false}                                                       | lm_head.weight is missing
            {"vocab_size": 4095}                                                                 | vocab
            {"hidden_size": 40}                                                                  | model.embed_tokens.weight has shape
            """)
    void refusesByNameWhatItCannotServeRight(String change, String words) throws IOException {
        ObjectNode changes = (ObjectNode) JSON.readTree(change);
        configure(json -> json.setAll(changes));
        if (words.equals("vocab")) {
            CheckpointConfig config = CheckpointConfig.read(source);
            Files.delete(source.resolve("model.safetensors"));
            Safetensors.write(
                    source.resolve("model.safetensors"), config.tensors(), random(config, 1), NumberFormat.BF16);
        }
        refuses(words);
    }

    @Test
    void readsTheBaseOfTheRotationWhereverItIsKept() throws IOException {
        configure(json ->
                json.putObject("rope_parameters").put("rope_type", "default").put("rope_theta", 500_000));
        assertThat(CheckpointConfig.read(source).rotary().theta()).isEqualTo(500_000);
        configure(json -> {
            json.remove("rope_parameters");
            json.put("rope_theta", 20_000).putNull("rope_scaling");
        });
        assertThat(CheckpointConfig.read(source).rotary().theta()).isEqualTo(20_000);
    }

    /** A window as long as the context slides over nothing. */
    @ParameterizedTest
    @ValueSource(strings = {"256", "4096", "null"})
    void servesAMistralWhoseWindowHoldsItsContext(String window) throws IOException {
        write(source, "mistral", true, 1, NumberFormat.BF16);
        configure(json -> json.set("sliding_window", json.rawValueNode(new RawValue(window))));
        publish();
        assertThat(store.open("support", "v1").config().positionsMax()).isEqualTo(256);
    }

    @Test
    void endsRepliesAtEveryTokenThatAFileNames() throws IOException {
        edit(
                "generation_config.json",
                json -> json.putArray("eos_token_id").add(1).add(0));
        assertThat(CheckpointConfig.read(source).endTokens()).containsExactly(1, 0);
        configure(json -> json.remove("eos_token_id"));
        publish();
        assertThat(store.open("support", "v1").config().endTokens()).containsExactly(1, 0);
        Files.delete(source.resolve("generation_config.json"));
        assertThat(CheckpointConfig.read(source).endTokens()).containsExactly(1);
        edit("tokenizer_config.json", json -> json.remove("eos_token"));
        assertThatThrownBy(() -> CheckpointConfig.read(source)).hasMessageContaining("no token ends a reply");
    }

    @Test
    void warnsWhereTheTemplateEndsTurnsOtherwise() throws IOException {
        configure(json -> json.put("eos_token_id", 0));
        assertThat(publish().warnings()).singleElement().asString().contains("'<|end|>'");
    }

    @Test
    void refusesWhatIsNoModelAndSaysWhatItIs() throws IOException {
        Files.delete(source.resolve("model.safetensors"));
        refuses("neither that file nor shards");
        Files.createFile(source.resolve("pytorch_model.bin"));
        refuses("pytorch_model.bin");
        Files.createFile(source.resolve("adapter_model.safetensors"));
        refuses("adapter");
        assertThatThrownBy(() -> WeightFiles.present(source)).hasMessageContaining("adapter");
    }

    @Test
    void refusesWeightsThatAreNoNumbersAndPublishesNothing() throws IOException {
        byte[] bytes = Files.readAllBytes(source.resolve("model.safetensors"));
        ByteBuffer.wrap(bytes).putShort(bytes.length - 2, (short) 0xff7f);
        Files.write(source.resolve("model.safetensors"), bytes);
        refuses("not finite");
    }

    @Test
    void refusesATemplateThatTakesNoQuestion() throws IOException {
        Files.writeString(source.resolve("chat_template.jinja"), "{{ raise_exception('Only tools!') }}");
        assertThatThrownBy(this::publish).hasMessageContaining("Only tools!");
        Files.writeString(source.resolve("chat_template.jinja"), "{% include 'other' %}");
        refuses("include");
    }

    @Test
    void carriesTheTemplateOn() throws IOException {
        Files.writeString(
                source.resolve("chat_template.jinja"),
                "{% for m in messages %}<|user|>{{ m.content }}<|end|>{% endfor %}<|assistant|>");
        source = publish().path();
        Path again = ImportedCheckpoint.publish(store, "support", "v2", source).path();
        assertThat(again.resolve("chat_template.jinja")).hasSameTextualContentAs(source.resolve("chat_template.jinja"));
    }
}
