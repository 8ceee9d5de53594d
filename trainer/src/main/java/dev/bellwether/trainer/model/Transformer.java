package dev.bellwether.trainer.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.nn.Activation;
import ai.djl.nn.core.Embedding;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.trainer.dataset.MicroBatch;
import java.util.ArrayList;
import java.util.List;

/**
 * A Llama-type decoder: root-mean-square norms, rotary embeddings, grouped-query attention, SwiGLU.
 *
 * <p>The parameters are one flat vector in the order of {@link CheckpointConfig#tensors()}, split once per forward
 * pass; the projections to queries, keys and values are one matrix there, as are gate and up.
 */
public final class Transformer {
    private final CheckpointConfig config;
    private final Constants constants;
    private final List<Shape> shapes;
    private final long[] boundaries;

    /** Weights of one layer. */
    private final int layerTensors;

    public Transformer(CheckpointConfig config, Constants constants) {
        this.config = config;
        this.constants = constants;
        this.shapes = fusedShapes(config);
        this.layerTensors = 6
                + (config.architecture().biased() ? 1 : 0)
                + (config.architecture().normed() ? 2 : 0);
        this.boundaries = new long[shapes.size() - 1];
        long offset = 0;
        for (int i = 0; i < boundaries.length; i++) {
            offset += shapes.get(i).size();
            boundaries[i] = offset;
        }
    }

    private static List<Shape> fusedShapes(CheckpointConfig config) {
        long hidden = config.hiddenSize();
        long queries = (long) config.heads() * config.headSize();
        long projected = queries + 2L * config.keyValueHeads() * config.headSize();
        List<Shape> shapes = new ArrayList<>();
        shapes.add(new Shape(config.vocabularySize(), hidden));
        for (int layer = 0; layer < config.layers(); layer++) {
            shapes.add(new Shape(hidden));
            shapes.add(new Shape(projected, hidden));
            if (config.architecture().biased()) {
                shapes.add(new Shape(projected));
            }
            if (config.architecture().normed()) {
                shapes.add(new Shape(config.headSize()));
                shapes.add(new Shape(config.headSize()));
            }
            shapes.add(new Shape(hidden, queries));
            shapes.add(new Shape(hidden));
            shapes.add(new Shape(2L * config.feedForwardSize(), hidden));
            shapes.add(new Shape(hidden, config.feedForwardSize()));
        }
        shapes.add(new Shape(hidden));
        if (config.rewardModel()) {
            shapes.add(new Shape(config.labels(), hidden));
        } else if (!config.tiedEmbeddings()) {
            shapes.add(new Shape(config.vocabularySize(), hidden));
        }
        return shapes;
    }

    public CheckpointConfig config() {
        return config;
    }

    public Constants constants() {
        return constants;
    }

    /** The flat vector's parts in their shapes; views of {@code flat}, which gradients flow through. */
    public NDList split(NDArray flat) {
        NDList parts = flat.split(boundaries, 0);
        NDList weights = new NDList(shapes.size());
        for (int i = 0; i < shapes.size(); i++) {
            weights.add(parts.get(i).reshape(shapes.get(i)));
        }
        return weights;
    }

    /**
     * Hidden states after the last norm.
     *
     * @param ids {@code [batch * length]} int64, padded on the right
     * @return {@code [batch * length, hiddenSize]}
     */
    public NDArray hidden(NDList weights, NDArray ids, int batch, int length) {
        NDArray x = Embedding.embedding(ids, weights.get(0), SparseFormat.DENSE)
                .singletonOrThrow()
                .reshape(batch * (long) length, config.hiddenSize());
        int next = 1;
        for (int layer = 0; layer < config.layers(); layer++) {
            x = layer(x, new NDList(weights.subList(next, next + layerTensors)), batch, length);
            next += layerTensors;
        }
        return norm(x, weights.get(next));
    }

    /**
     * One layer.
     *
     * @param x {@code [batch * length, hiddenSize]}
     * @param weights of this layer
     */
    NDArray layer(NDArray x, NDList weights, int batch, int length) {
        int next = 0;
        NDArray projected =
                norm(x, weights.get(next++)).matMul(weights.get(next++).transpose());
        if (config.architecture().biased()) {
            projected = projected.add(weights.get(next++));
        }
        NDList norms = new NDList();
        if (config.architecture().normed()) {
            norms.add(weights.get(next++));
            norms.add(weights.get(next++));
        }
        NDArray attended = attention(projected, norms, constants.geometry(config, length), batch, length);
        NDArray between = x.add(attended.matMul(weights.get(next++).transpose()));
        NDArray gateAndUp =
                norm(between, weights.get(next++)).matMul(weights.get(next++).transpose());
        NDList halves = gateAndUp.split(new long[] {config.feedForwardSize()}, 1);
        NDArray gate = halves.get(0);
        NDArray activated = gate.mul(Activation.sigmoid(gate)).mul(halves.get(1));
        return between.add(activated.matMul(weights.get(next).transpose()));
    }

    /**
     * @param norms gains of the norms of queries and keys, each head by itself; empty where there are none
     */
    private NDArray attention(NDArray projected, NDList norms, Constants.Geometry geometry, int batch, int length) {
        int heads = config.heads();
        int keyHeads = config.keyValueHeads();
        int size = config.headSize();
        NDArray byHead =
                projected.reshape(batch, length, heads + 2L * keyHeads, size).transpose(0, 2, 1, 3);
        NDList parts = byHead.split(new long[] {heads + keyHeads}, 1);
        NDArray queriesAndKeys = norms.isEmpty() ? parts.get(0) : normedHeads(parts.get(0), norms);
        NDList rotated = rotate(queriesAndKeys, geometry).split(new long[] {heads}, 1);
        NDArray keys = shared(rotated.get(1), batch, length);
        NDArray values = shared(parts.get(1), batch, length);
        NDArray scores = rotated.get(0)
                .mul(constants.scalar(1 / Math.sqrt(size)))
                .matMul(keys.transpose(0, 1, 3, 2))
                .add(geometry.mask())
                .softmax(-1);
        return scores.matMul(values).transpose(0, 2, 1, 3).reshape(batch * (long) length, (long) heads * size);
    }

    private NDArray normedHeads(NDArray queriesAndKeys, NDList norms) {
        NDList parts = queriesAndKeys.split(new long[] {config.heads()}, 1);
        return norm(parts.get(0), norms.get(0)).concat(norm(parts.get(1), norms.get(1)), 1);
    }

    private NDArray rotate(NDArray x, Constants.Geometry geometry) {
        NDList halves = x.split(new long[] {config.headSize() / 2}, 3);
        NDArray swapped = halves.get(1).concat(halves.get(0), 3);
        return x.mul(geometry.cosines()).add(swapped.mul(geometry.sines()));
    }

    /** Each key-value head repeated for the query heads that share it. */
    private NDArray shared(NDArray x, int batch, int length) {
        int keyHeads = config.keyValueHeads();
        int group = config.heads() / keyHeads;
        if (group == 1) {
            return x;
        }
        int size = config.headSize();
        return x.reshape(batch, keyHeads, 1, length, size)
                .broadcast(new Shape(batch, keyHeads, group, length, size))
                .reshape(batch, config.heads(), length, size);
    }

    NDArray norm(NDArray x, NDArray gain) {
        NDArray meanSquare = x.square().mean(new int[] {x.getShape().dimension() - 1}, true);
        return x.div(meanSquare.add(constants.scalar(config.normEpsilon())).sqrt())
                .mul(gain);
    }

    /**
     * Log-probabilities of {@code targets} at {@code positions}.
     *
     * @param hidden {@code [batch * length, hiddenSize]}
     * @param positions {@code [n]} int64, rows of {@code hidden}
     * @param targets {@code [n, 1]} int64, the tokens that follow
     * @param temperature divides the logits, as in sampling
     * @return {@code [n]}
     */
    public NDArray logProbabilities(
            NDList weights, NDArray hidden, NDArray positions, NDArray targets, double temperature) {
        NDArray head = config.tiedEmbeddings() ? weights.get(0) : weights.get(weights.size() - 1);
        NDArray logits = hidden.get(positions).matMul(head.transpose());
        NDArray scaled = temperature == 1 ? logits : logits.mul(constants.scalar(1 / temperature));
        return scaled.logSoftmax(-1).gather(targets, 1).reshape(-1);
    }

    /** Log-probabilities of the batch's reply tokens, without gradient; {@code [replyTokens]}. */
    public float[] logProbabilities(Parameters parameters, MicroBatch batch, double temperature) {
        try (NDManager step = parameters.newScope()) {
            NDList weights = split(parameters.frozen(step));
            NDArray hidden = hidden(weights, batch.ids(step), batch.size(), batch.length());
            return logProbabilities(weights, hidden, batch.positions(step), batch.targets(step), temperature)
                    .toFloatArray();
        }
    }
}
