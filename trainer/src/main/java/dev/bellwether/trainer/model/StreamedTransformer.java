package dev.bellwether.trainer.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.trainer.dataset.Sample;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A model read from its files layer by layer, so that one of any size is computed in the memory of its largest layer: what
 * serving is checked against when a checkpoint is imported.
 */
public final class StreamedTransformer {
    /** Rows of the head that are in memory at once. */
    private static final int HEAD_ROWS = 8_192;

    private static final String EMBEDDINGS = "model.embed_tokens.weight";

    private final Checkpoint checkpoint;
    private final CheckpointConfig config;
    private final NDManager manager;

    public StreamedTransformer(Checkpoint checkpoint, NDManager manager) {
        this.checkpoint = checkpoint;
        this.config = checkpoint.config();
        this.manager = manager;
    }

    /** Log-probabilities of the samples' reply tokens at temperature 1, one array each. */
    public List<float[]> logProbabilities(List<Sample> samples) {
        try (NDManager states = manager.newSubManager();
                Constants constants = new Constants(states)) {
            Transformer model = new Transformer(config, constants);
            List<NDArray> hidden = new ArrayList<>();
            samples.forEach(sample -> hidden.add(embedded(states, sample)));
            for (int layer = 0; layer < config.layers(); layer++) {
                try (NDManager step = states.newSubManager()) {
                    NDList weights = layerWeights(step, "model.layers." + layer + ".");
                    for (int i = 0; i < samples.size(); i++) {
                        NDArray before = hidden.get(i);
                        // What is computed lives where its first operand does, until the layer is done.
                        before.attach(step);
                        NDArray after =
                                model.layer(before, weights, 1, samples.get(i).length());
                        after.attach(states);
                        hidden.set(i, after);
                    }
                }
            }
            return scored(model, states, hidden, samples);
        }
    }

    private NDArray embedded(NDManager states, Sample sample) {
        int width = config.hiddenSize();
        float[] rows = new float[sample.length() * width];
        for (int t = 0; t < sample.length(); t++) {
            System.arraycopy(rows(EMBEDDINGS, sample.tokens()[t], 1), 0, rows, t * width, width);
        }
        return states.create(rows, new Shape(sample.length(), width));
    }

    private float[] rows(String tensor, long first, int count) {
        Checkpoint.Location location = checkpoint.location(tensor).orElseThrow();
        int width = config.hiddenSize();
        return location.file().read(location.entry(), first * width, Math.multiplyExact(count, width));
    }

    /** A layer's weights in the order in which {@link Transformer} takes them. */
    private NDList layerWeights(NDManager step, String prefix) {
        String attention = prefix + "self_attn.";
        NDList weights = new NDList();
        weights.add(tensor(step, prefix + "input_layernorm.weight"));
        weights.add(stacked(step, attention, List.of("q_proj.weight", "k_proj.weight", "v_proj.weight")));
        if (config.architecture().biased()) {
            weights.add(stacked(step, attention, List.of("q_proj.bias", "k_proj.bias", "v_proj.bias")));
        }
        if (config.architecture().normed()) {
            weights.add(tensor(step, attention + "q_norm.weight"));
            weights.add(tensor(step, attention + "k_norm.weight"));
        }
        weights.add(tensor(step, attention + "o_proj.weight"));
        weights.add(tensor(step, prefix + "post_attention_layernorm.weight"));
        weights.add(stacked(step, prefix + "mlp.", List.of("gate_proj.weight", "up_proj.weight")));
        weights.add(tensor(step, prefix + "mlp.down_proj.weight"));
        return weights;
    }

    private NDArray tensor(NDManager step, String name) {
        Checkpoint.Location location = checkpoint.location(name).orElseThrow();
        long[] shape = location.entry().dimensions().stream()
                .mapToLong(Long::longValue)
                .toArray();
        return step.create(location.file().read(name), new Shape(shape));
    }

    private NDArray stacked(NDManager step, String prefix, List<String> names) {
        NDArray stack = tensor(step, prefix + names.getFirst());
        for (String name : names.subList(1, names.size())) {
            stack = stack.concat(tensor(step, prefix + name), 0);
        }
        return stack;
    }

    private List<float[]> scored(Transformer model, NDManager states, List<NDArray> hidden, List<Sample> samples) {
        NDArray gain = tensor(states, "model.norm.weight");
        List<NDArray> before = new ArrayList<>();
        List<Scores> scores = new ArrayList<>();
        for (int i = 0; i < samples.size(); i++) {
            Sample sample = samples.get(i);
            int first = sample.length() - sample.replyLength() - 1;
            NDArray normed = model.norm(hidden.get(i), gain);
            before.add(normed.get("%d:%d".formatted(first, first + sample.replyLength())));
            scores.add(new Scores(sample.reply()));
        }
        String head = config.tiedEmbeddings() ? EMBEDDINGS : "lm_head.weight";
        for (int from = 0; from < config.vocabularySize(); from += HEAD_ROWS) {
            int rows = Math.min(HEAD_ROWS, config.vocabularySize() - from);
            try (NDManager step = states.newSubManager()) {
                NDArray weight = step.create(rows(head, from, rows), new Shape(rows, config.hiddenSize()));
                for (int i = 0; i < samples.size(); i++) {
                    NDArray logits = before.get(i).matMul(weight.transpose());
                    logits.attach(step);
                    scores.get(i).add(logits.toFloatArray(), from, rows);
                }
            }
        }
        return scores.stream().map(Scores::logProbabilities).toList();
    }

    /** The log-softmax of one sample's reply tokens, as the logits come in pieces. */
    private static final class Scores {
        private final int[] targets;
        private final double[] tops;
        private final double[] sums;
        private final double[] wanted;

        private Scores(int[] targets) {
            this.targets = targets;
            this.tops = new double[targets.length];
            this.sums = new double[targets.length];
            this.wanted = new double[targets.length];
            Arrays.fill(tops, Double.NEGATIVE_INFINITY);
        }

        /**
         * @param logits {@code [targets, rows]} of the vocabulary's tokens from {@code from} on
         */
        private void add(float[] logits, int from, int rows) {
            for (int i = 0; i < targets.length; i++) {
                for (int row = 0; row < rows; row++) {
                    double logit = logits[i * rows + row];
                    if (logit > tops[i]) {
                        sums[i] = sums[i] * Math.exp(tops[i] - logit) + 1;
                        tops[i] = logit;
                    } else {
                        sums[i] += Math.exp(logit - tops[i]);
                    }
                    if (from + row == targets[i]) {
                        wanted[i] = logit;
                    }
                }
            }
        }

        private float[] logProbabilities() {
            float[] result = new float[targets.length];
            for (int i = 0; i < result.length; i++) {
                result[i] = (float) (wanted[i] - tops[i] - Math.log(sums[i]));
            }
            return result;
        }
    }
}
