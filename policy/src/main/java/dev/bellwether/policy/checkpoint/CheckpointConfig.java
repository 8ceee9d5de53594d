package dev.bellwether.policy.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The shape of a Llama-type model, as {@code config.json} of a Hugging Face checkpoint states it.
 *
 * @param architecture the family and whether it is a language model or a reward model
 * @param headSize width of one attention head
 * @param qkvBias whether the projections to queries, keys and values have biases (Qwen2)
 * @param endTokens ids that end a reply
 * @param labels heads of a reward model; 0 for a language model
 * @param pooling how a reward model reads the hidden states of a reply
 */
public record CheckpointConfig(
        Architecture architecture,
        int vocabularySize,
        int hiddenSize,
        int feedForwardSize,
        int layers,
        int heads,
        int keyValueHeads,
        int headSize,
        int positionsMax,
        double normEpsilon,
        double ropeTheta,
        @Nullable RopeScaling ropeScaling,
        boolean tiedEmbeddings,
        boolean qkvBias,
        List<Integer> endTokens,
        int padToken,
        int labels,
        Pooling pooling) {

    private static final int LAYERS_MAX = 512;
    private static final ObjectMapper JSON = new ObjectMapper();

    /** The model families that can be served and trained, by their Hugging Face names. */
    public enum Architecture {
        LLAMA("LlamaForCausalLM", "LlamaForSequenceClassification", "llama"),
        QWEN2("Qwen2ForCausalLM", "Qwen2ForSequenceClassification", "qwen2"),
        MISTRAL("MistralForCausalLM", "MistralForSequenceClassification", "mistral");

        final String languageModel;
        final String rewardModel;
        final String modelType;

        Architecture(String languageModel, String rewardModel, String modelType) {
            this.languageModel = languageModel;
            this.rewardModel = rewardModel;
            this.modelType = modelType;
        }
    }

    /** How a reward model condenses a reply to one vector: its last token's state, or the mean over its tokens. */
    public enum Pooling {
        LAST,
        MEAN
    }

    public CheckpointConfig {
        endTokens = List.copyOf(endTokens);
        positive("vocab_size", vocabularySize);
        positive("hidden_size", hiddenSize);
        positive("intermediate_size", feedForwardSize);
        positive("num_hidden_layers", layers);
        if (layers > LAYERS_MAX) {
            throw new UnsupportedCheckpointException(
                    "config.json: num_hidden_layers is %d, supported are up to %d".formatted(layers, LAYERS_MAX));
        }
        positive("head_dim", headSize);
        positive("num_attention_heads", heads);
        positive("num_key_value_heads", keyValueHeads);
        positive("max_position_embeddings", positionsMax);
        if (heads % keyValueHeads != 0) {
            throw new UnsupportedCheckpointException(
                    "config.json: num_attention_heads %d is not a multiple of num_key_value_heads %d"
                            .formatted(heads, keyValueHeads));
        }
        if (headSize % 2 != 0) {
            throw new UnsupportedCheckpointException("config.json: head_dim %d is odd".formatted(headSize));
        }
    }

    /** Reads {@code config.json}; refuses by name what is not supported. */
    public static CheckpointConfig read(Path file) {
        try {
            return parse(JSON.readTree(Files.readAllBytes(file)));
        } catch (IOException e) {
            throw UnsupportedCheckpointException.unreadable(file, e);
        }
    }

    static CheckpointConfig parse(JsonNode json) {
        String name = json.path("architectures").path(0).asText("");
        for (Architecture architecture : Architecture.values()) {
            boolean reward = architecture.rewardModel.equals(name);
            if (reward || architecture.languageModel.equals(name)) {
                return parse(json, architecture, reward);
            }
        }
        throw new UnsupportedCheckpointException("config.json: architecture '%s' is not supported; supported are %s"
                .formatted(name, List.of("LlamaForCausalLM", "Qwen2ForCausalLM", "MistralForCausalLM")));
    }

    private static CheckpointConfig parse(JsonNode json, Architecture architecture, boolean reward) {
        refuseUnless(json, "hidden_act", "silu");
        if (architecture == Architecture.MISTRAL && json.path("sliding_window").isNumber()) {
            throw new UnsupportedCheckpointException("config.json: sliding_window is not supported");
        }
        if (json.path("use_sliding_window").asBoolean(false)) {
            throw new UnsupportedCheckpointException("config.json: use_sliding_window is not supported");
        }
        if (json.path("mlp_bias").asBoolean(false)
                || (architecture != Architecture.QWEN2
                        && json.path("attention_bias").asBoolean(false))) {
            throw new UnsupportedCheckpointException("config.json: attention_bias and mlp_bias are not supported");
        }
        int heads = integer(json, "num_attention_heads");
        int hidden = integer(json, "hidden_size");
        return new CheckpointConfig(
                architecture,
                integer(json, "vocab_size"),
                hidden,
                integer(json, "intermediate_size"),
                integer(json, "num_hidden_layers"),
                heads,
                json.path("num_key_value_heads").asInt(heads),
                json.path("head_dim").asInt(hidden / Math.max(1, heads)),
                integer(json, "max_position_embeddings"),
                json.path("rms_norm_eps").asDouble(1e-6),
                ropeTheta(json),
                ropeScaling(json),
                json.path("tie_word_embeddings").asBoolean(false),
                architecture == Architecture.QWEN2,
                tokens(json.path("eos_token_id")),
                json.path("pad_token_id").asInt(0),
                reward ? labels(json) : 0,
                pooling(json.path("bellwether_pooling").asText("LAST")));
    }

    private static Pooling pooling(String name) {
        return Arrays.stream(Pooling.values())
                .filter(pooling -> pooling.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new UnsupportedCheckpointException(
                        "config.json: bellwether_pooling '%s' is not supported".formatted(name)));
    }

    private static double ropeTheta(JsonNode json) {
        return json.path("rope_parameters")
                .path("rope_theta")
                .asDouble(json.path("rope_theta").asDouble(10_000));
    }

    private static @Nullable RopeScaling ropeScaling(JsonNode json) {
        JsonNode scaling =
                json.path("rope_scaling").isObject() ? json.path("rope_scaling") : json.path("rope_parameters");
        String type = scaling.path("rope_type").asText(scaling.path("type").asText("default"));
        return switch (type) {
            case "default" -> null;
            case "llama3" ->
                new RopeScaling(
                        scaling.path("factor").asDouble(),
                        scaling.path("low_freq_factor").asDouble(),
                        scaling.path("high_freq_factor").asDouble(),
                        scaling.path("original_max_position_embeddings").asInt());
            default ->
                throw new UnsupportedCheckpointException(
                        "config.json: rope type '%s' is not supported".formatted(type));
        };
    }

    private static int labels(JsonNode json) {
        int byMap = json.path("id2label").size();
        int labels = json.path("num_labels").asInt(byMap == 0 ? 2 : byMap);
        positive("num_labels", labels);
        return labels;
    }

    private static List<Integer> tokens(JsonNode node) {
        List<Integer> tokens = new ArrayList<>();
        if (node.isArray()) {
            node.forEach(token -> tokens.add(token.asInt()));
        } else if (node.isNumber()) {
            tokens.add(node.asInt());
        }
        return tokens;
    }

    private static int integer(JsonNode json, String field) {
        if (!json.path(field).isIntegralNumber()) {
            throw new UnsupportedCheckpointException("config.json: %s is missing".formatted(field));
        }
        return json.path(field).asInt();
    }

    private static void positive(String field, int value) {
        if (value <= 0) {
            throw new UnsupportedCheckpointException("config.json: %s must be positive, is %d".formatted(field, value));
        }
    }

    private static void refuseUnless(JsonNode json, String field, String expected) {
        String value = json.path(field).asText(expected);
        if (!value.equals(expected)) {
            throw new UnsupportedCheckpointException(
                    "config.json: %s '%s' is not supported, only '%s'".formatted(field, value, expected));
        }
    }

    /** The same model with {@code labels} heads of reward in place of the language model's head. */
    public CheckpointConfig asRewardModel(int labels, Pooling pooling) {
        return new CheckpointConfig(
                architecture,
                vocabularySize,
                hiddenSize,
                feedForwardSize,
                this.layers,
                heads,
                keyValueHeads,
                headSize,
                positionsMax,
                normEpsilon,
                ropeTheta,
                ropeScaling,
                tiedEmbeddings,
                qkvBias,
                endTokens,
                padToken,
                labels,
                pooling);
    }

    public boolean rewardModel() {
        return labels > 0;
    }

    /** Cosines and sines of the rotary embedding, each {@code [positionsMax, headSize / 2]}, row by row. */
    public float[][] rotaryTables(int positions) {
        int half = headSize / 2;
        float[] cosines = new float[positions * half];
        float[] sines = new float[positions * half];
        for (int i = 0; i < half; i++) {
            double frequency = Math.pow(ropeTheta, -2.0 * i / headSize);
            double scaled = ropeScaling == null ? frequency : ropeScaling.apply(frequency);
            for (int position = 0; position < positions; position++) {
                cosines[position * half + i] = (float) Math.cos(position * scaled);
                sines[position * half + i] = (float) Math.sin(position * scaled);
            }
        }
        return new float[][] {cosines, sines};
    }

    /** Every tensor of the model by its Hugging Face name, in the one order that flat parameter vectors use. */
    public List<TensorShape> tensors() {
        List<TensorShape> tensors = new ArrayList<>();
        tensors.add(new TensorShape("model.embed_tokens.weight", vocabularySize, hiddenSize));
        IntStream.range(0, layers).forEach(layer -> addLayer(tensors, "model.layers." + layer + "."));
        tensors.add(new TensorShape("model.norm.weight", hiddenSize));
        if (rewardModel()) {
            tensors.add(new TensorShape("score.weight", labels, hiddenSize));
        } else if (!tiedEmbeddings) {
            tensors.add(new TensorShape("lm_head.weight", vocabularySize, hiddenSize));
        }
        return tensors;
    }

    private void addLayer(List<TensorShape> tensors, String prefix) {
        int queries = heads * headSize;
        int keys = keyValueHeads * headSize;
        tensors.add(new TensorShape(prefix + "input_layernorm.weight", hiddenSize));
        tensors.add(new TensorShape(prefix + "self_attn.q_proj.weight", queries, hiddenSize));
        tensors.add(new TensorShape(prefix + "self_attn.k_proj.weight", keys, hiddenSize));
        tensors.add(new TensorShape(prefix + "self_attn.v_proj.weight", keys, hiddenSize));
        if (qkvBias) {
            tensors.add(new TensorShape(prefix + "self_attn.q_proj.bias", queries));
            tensors.add(new TensorShape(prefix + "self_attn.k_proj.bias", keys));
            tensors.add(new TensorShape(prefix + "self_attn.v_proj.bias", keys));
        }
        tensors.add(new TensorShape(prefix + "self_attn.o_proj.weight", hiddenSize, queries));
        tensors.add(new TensorShape(prefix + "post_attention_layernorm.weight", hiddenSize));
        tensors.add(new TensorShape(prefix + "mlp.gate_proj.weight", feedForwardSize, hiddenSize));
        tensors.add(new TensorShape(prefix + "mlp.up_proj.weight", feedForwardSize, hiddenSize));
        tensors.add(new TensorShape(prefix + "mlp.down_proj.weight", hiddenSize, feedForwardSize));
    }

    /** Number of parameters of the model. */
    public int parameters() {
        long total = tensors().stream().mapToLong(TensorShape::size).sum();
        return Math.toIntExact(total);
    }

    /** {@code config.json} as Hugging Face writes it. */
    public ObjectNode toJson(String torchType) {
        ObjectNode json = JSON.createObjectNode();
        json.putArray("architectures").add(rewardModel() ? architecture.rewardModel : architecture.languageModel);
        json.put("model_type", architecture.modelType);
        json.put("vocab_size", vocabularySize);
        json.put("hidden_size", hiddenSize);
        json.put("intermediate_size", feedForwardSize);
        json.put("num_hidden_layers", layers);
        json.put("num_attention_heads", heads);
        json.put("num_key_value_heads", keyValueHeads);
        json.put("head_dim", headSize);
        json.put("max_position_embeddings", positionsMax);
        json.put("rms_norm_eps", normEpsilon);
        json.put("rope_theta", ropeTheta);
        if (ropeScaling != null) {
            json.putObject("rope_scaling")
                    .put("rope_type", "llama3")
                    .put("factor", ropeScaling.factor())
                    .put("low_freq_factor", ropeScaling.lowFrequencyFactor())
                    .put("high_freq_factor", ropeScaling.highFrequencyFactor())
                    .put("original_max_position_embeddings", ropeScaling.originalPositions());
        }
        json.put("tie_word_embeddings", tiedEmbeddings);
        json.put("hidden_act", "silu");
        ArrayNode ends = json.putArray("eos_token_id");
        endTokens.forEach(ends::add);
        json.put("pad_token_id", padToken);
        if (rewardModel()) {
            ObjectNode names = json.putObject("id2label");
            IntStream.range(0, labels).forEach(label -> names.put("" + label, "LABEL_" + label));
            json.put("bellwether_pooling", pooling.name());
        }
        json.put("torch_dtype", torchType);
        return json;
    }
}
