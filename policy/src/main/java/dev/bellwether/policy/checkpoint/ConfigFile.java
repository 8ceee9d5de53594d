package dev.bellwether.policy.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Architecture;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * {@code config.json}, and of {@code generation_config.json} and {@code tokenizer_config.json} what says how a reply ends.
 * What cannot be served and trained as its maker meant it is refused by name.
 */
final class ConfigFile {
    static final String NAME = "config.json";

    private static final String GENERATION = "generation_config.json";
    private static final ObjectMapper JSON = new ObjectMapper();

    /** In tokens, where the configuration of a Mistral does not say. */
    private static final int MISTRAL_WINDOW = 4096;

    private final Path directory;
    private final JsonNode json;

    private ConfigFile(Path directory, JsonNode json) {
        this.directory = directory;
        this.json = json;
    }

    static CheckpointConfig read(Path directory) {
        return new ConfigFile(directory, json(directory.resolve(NAME))).config();
    }

    /** Whatever ends a reply by one of the files, as transformers stops at each of them. */
    private List<Integer> endTokens() {
        Set<Integer> ends = new LinkedHashSet<>(tokens(json.path("eos_token_id")));
        if (Files.exists(directory.resolve(GENERATION))) {
            ends.addAll(tokens(json(directory.resolve(GENERATION)).path("eos_token_id")));
        }
        if (ends.isEmpty()) {
            ends.addAll(namedEnd());
        }
        if (ends.isEmpty()) {
            throw new UnsupportedCheckpointException(
                    "no token ends a reply: neither config.json nor generation_config.json has an eos_token_id, and"
                            + " tokenizer_config.json names no eos_token that tokenizer.json knows");
        }
        return List.copyOf(ends);
    }

    private static JsonNode json(Path file) {
        try {
            JsonNode json = JSON.readTree(Files.readAllBytes(file));
            if (!json.isObject()) {
                throw new UnsupportedCheckpointException("%s holds no JSON object".formatted(file));
            }
            return json;
        } catch (IOException e) {
            throw UnsupportedCheckpointException.unreadable(file, e);
        }
    }

    private static List<Integer> tokens(JsonNode node) {
        List<Integer> tokens = new ArrayList<>();
        if (node.isIntegralNumber()) {
            tokens.add(node.asInt());
        }
        node.forEach(token -> tokens.add(token.asInt()));
        return tokens;
    }

    /** The token that the tokenizer names as the end. */
    private List<Integer> namedEnd() {
        Path config = directory.resolve("tokenizer_config.json");
        Path tokenizer = directory.resolve("tokenizer.json");
        if (!Files.exists(config) || !Files.exists(tokenizer)) {
            return List.of();
        }
        JsonNode named = json(config).path("eos_token");
        String text = named.isObject() ? named.path("content").asText() : named.asText();
        JsonNode tokens = json(tokenizer);
        for (JsonNode token : tokens.path("added_tokens")) {
            if (!text.isEmpty() && token.path("content").asText().equals(text)) {
                return List.of(token.path("id").asInt());
            }
        }
        JsonNode id = tokens.path("model").path("vocab").path(text);
        return id.isIntegralNumber() ? List.of(id.asInt()) : List.of();
    }

    private CheckpointConfig config() {
        String name = json.path("architectures").path(0).asText("");
        String type = json.path("model_type").asText("");
        for (Architecture architecture : Architecture.values()) {
            boolean reward = architecture.rewardModel().equals(name);
            boolean byType = name.isEmpty() && architecture.modelType().equals(type);
            if (reward || byType || architecture.languageModel().equals(name)) {
                return config(architecture, reward);
            }
        }
        throw new UnsupportedCheckpointException("config.json: architecture '%s' is not supported; supported are %s"
                .formatted(
                        name.isEmpty() ? type : name,
                        Arrays.stream(Architecture.values())
                                .map(Architecture::languageModel)
                                .collect(Collectors.joining(", "))));
    }

    private CheckpointConfig config(Architecture architecture, boolean reward) {
        refuseVariants(architecture);
        int heads = integer("num_attention_heads");
        int hidden = integer("hidden_size");
        return new CheckpointConfig(
                architecture,
                integer("vocab_size"),
                hidden,
                integer("intermediate_size"),
                integer("num_hidden_layers"),
                heads,
                json.path("num_key_value_heads").asInt(heads),
                json.path("head_dim").asInt(hidden / Math.max(1, heads)),
                integer("max_position_embeddings"),
                json.path("rms_norm_eps").asDouble(1e-6),
                rotary(),
                json.path("tie_word_embeddings").asBoolean(false),
                endTokens(),
                json.path("bos_token_id").isIntegralNumber()
                        ? json.path("bos_token_id").asInt()
                        : null,
                json.path("pad_token_id").asInt(0),
                reward ? labels() : 0,
                pooling(json.path("bellwether_pooling").asText("LAST")));
    }

    private void refuseVariants(Architecture architecture) {
        String activation = json.path("hidden_act").asText("silu");
        if (!activation.equals("silu")) {
            throw unsupported("hidden_act", "'%s'".formatted(activation));
        }
        boolean slides = json.path("use_sliding_window").asBoolean(architecture == Architecture.MISTRAL);
        // What Mistral's configuration does not name slides; null alone says that nothing does.
        JsonNode window = json.has("sliding_window") ? json.path("sliding_window") : IntNode.valueOf(MISTRAL_WINDOW);
        if (slides && window.isNumber() && window.asLong() < integer("max_position_embeddings")) {
            throw unsupported("sliding_window", window.asText());
        }
        if (json.path("use_sliding_window").asBoolean(false)) {
            throw unsupported("use_sliding_window", "true");
        }
        if (json.path("mlp_bias").asBoolean(false)) {
            throw unsupported("mlp_bias", "true");
        }
        // Qwen2 has biases whatever it says.
        if (architecture != Architecture.QWEN2 && json.path("attention_bias").asBoolean(false)) {
            throw unsupported("attention_bias", "true");
        }
        double rotated = rope().path("partial_rotary_factor")
                .asDouble(json.path("partial_rotary_factor").asDouble(1));
        if (rotated != 1) {
            throw unsupported("partial_rotary_factor", Double.toString(rotated));
        }
        if (json.has("quantization_config")) {
            throw unsupported(
                    "quantization_config",
                    "'%s'"
                            .formatted(json.path("quantization_config")
                                    .path("quant_method")
                                    .asText("unknown")));
        }
    }

    private static UnsupportedCheckpointException unsupported(String field, String value) {
        return new UnsupportedCheckpointException("config.json: %s %s is not supported".formatted(field, value));
    }

    /** Where transformers 4 keeps it, else where transformers 5 does, which takes them in this order; both say the same. */
    private JsonNode rope() {
        JsonNode before = json.path("rope_scaling");
        JsonNode now = json.path("rope_parameters");
        if (before.isObject() && now.isObject() && contradict(before, now)) {
            throw new UnsupportedCheckpointException(
                    "config.json: rope_scaling and rope_parameters contradict each other; one of them must go");
        }
        return now.isObject() ? now : before;
    }

    private static boolean contradict(JsonNode before, JsonNode now) {
        boolean others = before.properties().stream()
                .filter(field -> !field.getKey().equals("type"))
                .anyMatch(field -> now.has(field.getKey())
                        && !now.get(field.getKey())
                                .asText()
                                .equals(field.getValue().asText()));
        return others || !ropeType(before).equals(ropeType(now));
    }

    private static String ropeType(JsonNode rope) {
        return rope.path("rope_type").asText(rope.path("type").asText("default"));
    }

    private Rotary rotary() {
        JsonNode rope = rope();
        double theta = rope.path("rope_theta").asDouble(json.path("rope_theta").asDouble(10_000));
        if (!(theta > 0)) {
            throw unsupported("rope_theta", Double.toString(theta));
        }
        String type = ropeType(rope);
        return switch (type) {
            case "default" -> new Rotary(theta, null);
            case "llama3" ->
                new Rotary(
                        theta,
                        new RopeScaling(
                                ropeNumber(rope, "factor"),
                                ropeNumber(rope, "low_freq_factor"),
                                ropeNumber(rope, "high_freq_factor"),
                                (int) ropeNumber(rope, "original_max_position_embeddings")));
            default -> throw unsupported("rope_type", "'%s'".formatted(type));
        };
    }

    private static double ropeNumber(JsonNode rope, String field) {
        if (!rope.path(field).isNumber() || rope.path(field).asDouble() <= 0) {
            throw new UnsupportedCheckpointException(
                    "config.json: the rope of type 'llama3' needs %s, a positive number".formatted(field));
        }
        return rope.path(field).asDouble();
    }

    private int labels() {
        int byMap = json.path("id2label").size();
        int labels = json.path("num_labels").asInt(byMap == 0 ? 2 : byMap);
        if (labels <= 0) {
            throw unsupported("num_labels", Integer.toString(labels));
        }
        return labels;
    }

    private static Pooling pooling(String name) {
        return Arrays.stream(Pooling.values())
                .filter(pooling -> pooling.name().equals(name))
                .findFirst()
                .orElseThrow(() -> unsupported("bellwether_pooling", "'%s'".formatted(name)));
    }

    private int integer(String field) {
        if (!json.path(field).isIntegralNumber()) {
            throw new UnsupportedCheckpointException("config.json: %s is missing".formatted(field));
        }
        return json.path(field).asInt();
    }

    /** {@code config.json} as Hugging Face writes it, for transformers 4 and 5. */
    static ObjectNode json(CheckpointConfig config, NumberFormat format) {
        ObjectNode json = JSON.createObjectNode();
        Architecture architecture = config.architecture();
        json.putArray("architectures")
                .add(config.rewardModel() ? architecture.rewardModel() : architecture.languageModel());
        json.put("model_type", architecture.modelType());
        json.put("vocab_size", config.vocabularySize());
        json.put("hidden_size", config.hiddenSize());
        json.put("intermediate_size", config.feedForwardSize());
        json.put("num_hidden_layers", config.layers());
        json.put("num_attention_heads", config.heads());
        json.put("num_key_value_heads", config.keyValueHeads());
        json.put("head_dim", config.headSize());
        json.put("max_position_embeddings", config.positionsMax());
        json.put("rms_norm_eps", config.normEpsilon());
        rope(json, config.rotary());
        json.put("tie_word_embeddings", config.tiedEmbeddings());
        json.put("hidden_act", "silu");
        if (architecture == Architecture.MISTRAL) {
            json.putNull("sliding_window");
        }
        if (config.beginToken() != null) {
            json.put("bos_token_id", config.beginToken());
        }
        ArrayNode ends = json.putArray("eos_token_id");
        config.endTokens().forEach(ends::add);
        json.put("pad_token_id", config.padToken());
        if (config.rewardModel()) {
            ObjectNode names = json.putObject("id2label");
            IntStream.range(0, config.labels()).forEach(label -> names.put("" + label, "LABEL_" + label));
            json.put("bellwether_pooling", config.pooling().name());
        }
        return json.put("torch_dtype", format.torchType());
    }

    private static void rope(ObjectNode json, Rotary rotary) {
        json.put("rope_theta", rotary.theta());
        RopeScaling scaling = rotary.scaling();
        if (scaling != null) {
            json.putObject("rope_scaling")
                    .put("rope_type", "llama3")
                    .put("factor", scaling.factor())
                    .put("low_freq_factor", scaling.lowFrequencyFactor())
                    .put("high_freq_factor", scaling.highFrequencyFactor())
                    .put("original_max_position_embeddings", scaling.originalPositions());
        }
        ObjectNode both = json.putObject("rope_parameters").put("rope_theta", rotary.theta());
        if (scaling == null) {
            both.put("rope_type", "default");
        } else {
            both.setAll((ObjectNode) json.path("rope_scaling"));
        }
    }
}
