package dev.bellwether.policy.checkpoint;

import java.util.ArrayList;
import java.util.List;

/** Every tensor of a model by its Hugging Face name, in the one order that flat parameter vectors use. */
public final class ModelTensors {
    public static final String EMBEDDINGS = "model.embed_tokens.weight";
    public static final String HEAD = "lm_head.weight";
    public static final String LAST_NORM = "model.norm.weight";

    private final CheckpointConfig config;
    private final List<TensorShape> tensors = new ArrayList<>();

    private ModelTensors(CheckpointConfig config) {
        this.config = config;
    }

    static List<TensorShape> of(CheckpointConfig config) {
        ModelTensors all = new ModelTensors(config);
        all.add(EMBEDDINGS, config.vocabularySize(), config.hiddenSize());
        for (int layer = 0; layer < config.layers(); layer++) {
            all.addAttention("model.layers." + layer + ".");
            all.addFeedForward("model.layers." + layer + ".");
        }
        all.add(LAST_NORM, config.hiddenSize());
        if (config.rewardModel()) {
            all.add("score.weight", config.labels(), config.hiddenSize());
        } else if (!config.tiedEmbeddings()) {
            all.add(HEAD, config.vocabularySize(), config.hiddenSize());
        }
        return all.tensors;
    }

    private void add(String name, long... dimensions) {
        tensors.add(new TensorShape(name, dimensions));
    }

    private void addAttention(String layer) {
        int hidden = config.hiddenSize();
        int queries = config.heads() * config.headSize();
        int keys = config.keyValueHeads() * config.headSize();
        String attention = layer + "self_attn.";
        add(layer + "input_layernorm.weight", hidden);
        add(attention + "q_proj.weight", queries, hidden);
        add(attention + "k_proj.weight", keys, hidden);
        add(attention + "v_proj.weight", keys, hidden);
        if (config.architecture().biased()) {
            add(attention + "q_proj.bias", queries);
            add(attention + "k_proj.bias", keys);
            add(attention + "v_proj.bias", keys);
        }
        if (config.architecture().normed()) {
            add(attention + "q_norm.weight", config.headSize());
            add(attention + "k_norm.weight", config.headSize());
        }
        add(attention + "o_proj.weight", hidden, queries);
    }

    private void addFeedForward(String layer) {
        int hidden = config.hiddenSize();
        int inner = config.feedForwardSize();
        add(layer + "post_attention_layernorm.weight", hidden);
        add(layer + "mlp.gate_proj.weight", inner, hidden);
        add(layer + "mlp.up_proj.weight", inner, hidden);
        add(layer + "mlp.down_proj.weight", hidden, inner);
    }
}
