package dev.bellwether.policy.checkpoint;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The shape of a Llama-type model, as {@code config.json} of a Hugging Face checkpoint states it.
 *
 * @param architecture the family
 * @param headSize width of one attention head
 * @param endTokens ids that end a reply
 * @param beginToken id that begins a text; none where there is none
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
        Rotary rotary,
        boolean tiedEmbeddings,
        List<Integer> endTokens,
        @Nullable Integer beginToken,
        int padToken,
        int labels,
        Pooling pooling) {

    private static final int LAYERS_MAX = 512;
    private static final int ARRAY_MAX = Integer.MAX_VALUE - 8;

    /** The model families that can be served and trained, by their Hugging Face names. */
    public enum Architecture {
        LLAMA("Llama", false, false),
        QWEN2("Qwen2", true, false),
        QWEN3("Qwen3", false, true),
        MISTRAL("Mistral", false, false);

        private final String name;
        private final boolean biased;
        private final boolean normed;

        Architecture(String name, boolean biased, boolean normed) {
            this.name = name;
            this.biased = biased;
            this.normed = normed;
        }

        String languageModel() {
            return name + "ForCausalLM";
        }

        String rewardModel() {
            return name + "ForSequenceClassification";
        }

        String modelType() {
            return name.toLowerCase(Locale.ROOT);
        }

        /** Whether the projections to queries, keys and values have biases. */
        public boolean biased() {
            return biased;
        }

        /** Whether queries and keys are normed, each head by itself. */
        public boolean normed() {
            return normed;
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

    private static void positive(String field, int value) {
        if (value <= 0) {
            throw new UnsupportedCheckpointException("config.json: %s must be positive, is %d".formatted(field, value));
        }
    }

    /** Reads the configuration of a checkpoint's folder; refuses by name what is not supported. */
    public static CheckpointConfig read(Path directory) {
        return ConfigFile.read(directory);
    }

    /** The same model with {@code labels} heads of reward in place of the language model's head. */
    public CheckpointConfig asRewardModel(int labels, Pooling pooling) {
        return with(tiedEmbeddings, labels, pooling);
    }

    /** The same model with a head of its own, whatever the configuration says. */
    CheckpointConfig untied() {
        return with(false, labels, pooling);
    }

    private CheckpointConfig with(boolean tiedEmbeddings, int labels, Pooling pooling) {
        return new CheckpointConfig(
                architecture,
                vocabularySize,
                hiddenSize,
                feedForwardSize,
                layers,
                heads,
                keyValueHeads,
                headSize,
                positionsMax,
                normEpsilon,
                rotary,
                tiedEmbeddings,
                endTokens,
                beginToken,
                padToken,
                labels,
                pooling);
    }

    public boolean rewardModel() {
        return labels > 0;
    }

    /** Every tensor of the model by its Hugging Face name, in the one order that flat parameter vectors use. */
    public List<TensorShape> tensors() {
        return ModelTensors.of(this);
    }

    /** Number of parameters of the model. */
    public long parameters() {
        return tensors().stream().mapToLong(TensorShape::size).sum();
    }

    /** Length of the flat vector that training keeps all parameters in. */
    public int flatSize() {
        if (parameters() > ARRAY_MAX) {
            throw new UnsupportedCheckpointException(
                    "the model has %d parameters, training holds up to %d".formatted(parameters(), ARRAY_MAX));
        }
        return (int) parameters();
    }

    /** {@code config.json} as Hugging Face writes it. */
    public String toJson(NumberFormat format) {
        return ConfigFile.json(this, format).toPrettyString();
    }
}
