package dev.bellwether.trainer.model;

import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.ModelTensors;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.tensor.Autocast;
import dev.bellwether.trainer.tensor.ComputeDevice;
import dev.bellwether.trainer.tensor.Torch;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * A Llama-type decoder: root-mean-square norms, rotary embeddings, grouped-query attention, SwiGLU. It holds a model's
 * numbers but no weights; those come with each call.
 *
 * <p>Everything that a call makes belongs to the caller's {@link PointerScope}.
 */
public final class Transformer implements AutoCloseable {
    /** Logits that are in memory at once, so that those of a large vocabulary never all are. */
    private static final int LOGITS_MAX = 1 << 24;

    private static final long LOGITS_OF_GPU_MAX = 1 << 28;

    /** Of a GPU's memory, for one of the logits. */
    private static final long BYTES_PER_LOGIT = 512;

    /** What a pass keeps for its gradients. */
    private static final long KEPT_BYTES_MAX = 2L << 30;

    private final CheckpointConfig config;
    private final OptionalLong keptBytesMax;

    /** Of the longest batch so far, by device. */
    private final Map<Place, Rotation> rotations = new HashMap<>();

    private record Place(ComputeDevice.Kind kind, int index) {}

    /** {@code [length, headSize]} each; the sines' first half is negated. */
    private record Rotation(Tensor cosines, Tensor sines) {
        long length() {
            return cosines.size(0);
        }

        Rotation first(long length) {
            return new Rotation(cosines.narrow(0, 0, length), sines.narrow(0, 0, length));
        }

        void retain() {
            cosines.retainReference();
            sines.retainReference();
        }

        void release() {
            cosines.releaseReference();
            sines.releaseReference();
        }
    }

    /**
     * Who is where, and sees whom.
     *
     * @param rotation one for all rows, or {@code [rows, 1, length, headSize]}
     * @param seen {@code [rows, 1, length, length]}; none where each token sees all before it
     */
    record Geometry(Rotation rotation, @Nullable Tensor seen) {}

    public Transformer(CheckpointConfig config) {
        this(config, OptionalLong.empty());
    }

    /**
     * The same.
     *
     * @param keptBytesMax of a pass; where it would keep more, its layers are computed once more on the way back
     */
    Transformer(CheckpointConfig config, long keptBytesMax) {
        this(config, OptionalLong.of(keptBytesMax));
    }

    private Transformer(CheckpointConfig config, OptionalLong keptBytesMax) {
        this.config = config;
        this.keptBytesMax = keptBytesMax;
    }

    /** Of a GPU's memory a quarter: actor and critic, rollouts' cache and logits want the rest. */
    long keptBytesMax(ComputeDevice device) {
        return keptBytesMax.orElse(device.cuda() ? device.memoryBytes() / 4 : KEPT_BYTES_MAX);
    }

    public CheckpointConfig config() {
        return config;
    }

    /** Hidden states after the last norm, {@code [rows, length, hiddenSize]}. */
    public Tensor hidden(Weights weights, MicroBatch batch) {
        try (Autocast _ = new Autocast(weights.device())) {
            Geometry geometry = geometry(batch, weights.device());
            Tensor x = embedded(weights, batch.ids(weights.device()));
            for (int layer = 0; layer < config.layers(); layer++) {
                x = layer(weights, layer, x, geometry);
            }
            return last(weights, x);
        }
    }

    /** In the caller's scope. */
    Geometry geometry(MicroBatch batch, ComputeDevice device) {
        Rotation rotation = rotation(batch.length(), device);
        if (!batch.sharesPrompts()) {
            return new Geometry(rotation, null);
        }
        Tensor places = batch.places(device);
        long[] shape = {batch.rows(), 1, batch.length(), config.headSize()};
        return new Geometry(
                new Rotation(
                        rotation.cosines().index_select(0, places).view(shape),
                        rotation.sines().index_select(0, places).view(shape)),
                batch.seen(device));
    }

    Tensor embedded(Weights weights, Tensor ids) {
        return torch.embedding(weights.get(ModelTensors.EMBEDDINGS), ids);
    }

    Tensor last(Weights weights, Tensor x) {
        return norm(weights, x, ModelTensors.LAST_NORM);
    }

    /** One layer over {@code x [rows, length, hiddenSize]}. */
    Tensor layer(Weights weights, int layer, Tensor x, Geometry geometry) {
        String name = "model.layers." + layer + ".";
        return scoped(() -> {
            Tensor attended = attention(
                    weights, name + "self_attn.", norm(weights, x, name + "input_layernorm.weight"), geometry);
            Tensor between = x.add(attended);
            Tensor normed = norm(weights, between, name + "post_attention_layernorm.weight");
            return between.add(feedForward(weights, name + "mlp.", normed));
        });
    }

    /** Runs {@code body} in a scope of its own: what it made and no gradient needs goes at its end. */
    private static Tensor scoped(Supplier<Tensor> body) {
        PointerScope outer = PointerScope.getInnerScope();
        try (PointerScope _ = Torch.scope()) {
            Tensor result = body.get();
            outer.attach(result);
            return result;
        }
    }

    private Tensor norm(Weights weights, Tensor x, String gain) {
        Tensor gains = weights.get(gain);
        return torch.rms_norm(
                x, new long[] {gains.size(0)}, new TensorOptional(gains), new DoubleOptional(config.normEpsilon()));
    }

    private Tensor attention(Weights weights, String name, Tensor x, Geometry geometry) {
        Tensor queries = heads(projected(weights, name + "q_proj", x));
        Tensor keys = heads(projected(weights, name + "k_proj", x));
        Tensor values = heads(projected(weights, name + "v_proj", x));
        if (config.architecture().normed()) {
            queries = norm(weights, queries, name + "q_norm.weight");
            keys = norm(weights, keys, name + "k_norm.weight");
        }
        Rotation rotation = geometry.rotation();
        Tensor seen = geometry.seen();
        boolean grouped = config.heads() != config.keyValueHeads();
        Tensor attended = torch.scaled_dot_product_attention(
                rotated(queries, rotation),
                rotated(keys, rotation),
                values,
                seen == null ? new TensorOptional() : new TensorOptional(seen),
                0,
                seen == null,
                new DoubleOptional(),
                grouped);
        return projected(weights, name + "o_proj", attended.transpose(1, 2).flatten(2, 3));
    }

    /** {@code [batch, length, heads * headSize]} to {@code [batch, heads, length, headSize]}. */
    private Tensor heads(Tensor x) {
        return x.unflatten(2, -1, config.headSize()).transpose(1, 2);
    }

    private static Tensor rotated(Tensor x, Rotation rotation) {
        TensorVector halves = x.chunk(2, 3);
        Tensor swapped = torch.cat(new TensorVector(halves.get(1), halves.get(0)), 3);
        return x.mul(rotation.cosines()).add(swapped.mul(rotation.sines())).to(x.scalar_type());
    }

    private Tensor feedForward(Weights weights, String name, Tensor x) {
        Tensor gate = torch.silu(projected(weights, name + "gate_proj", x));
        return projected(weights, name + "down_proj", gate.mul(projected(weights, name + "up_proj", x)));
    }

    /** {@code x · Wᵀ}, with the bias and the adapter that there are. */
    private static Tensor projected(Weights weights, String module, Tensor x) {
        String name = module + ".weight";
        String bias = module + ".bias";
        Tensor product = weights.has(bias)
                ? torch.linear(x, weights.get(name), new TensorOptional(weights.get(bias)))
                : torch.linear(x, weights.get(name));
        Weights.LowRank adapter = weights.adapter(name);
        return adapter == null
                ? product
                : product.add(torch.linear(torch.linear(x, adapter.down()), adapter.up()), adapter.scale());
    }

    private Rotation rotation(int length, ComputeDevice device) {
        return rotations
                .compute(new Place(device.kind(), device.index()), (_, known) -> {
                    if (known != null && known.length() >= length) {
                        return known;
                    }
                    if (known != null) {
                        known.release();
                    }
                    // Lengths come in any order: few tables are made until the longest has come.
                    return rotationOf(2 * Integer.highestOneBit(Math.max(1, length - 1)), device);
                })
                .first(length);
    }

    private Rotation rotationOf(int length, ComputeDevice device) {
        float[][] tables = config.rotary().tables(length, config.headSize());
        int half = config.headSize() / 2;
        float[] cosines = new float[2 * length * half];
        float[] sines = new float[2 * length * half];
        for (int t = 0; t < length; t++) {
            for (int i = 0; i < half; i++) {
                int at = 2 * t * half + i;
                cosines[at] = tables[0][t * half + i];
                cosines[at + half] = cosines[at];
                sines[at + half] = tables[1][t * half + i];
                sines[at] = -sines[at + half];
            }
        }
        try (PointerScope _ = Torch.scope()) {
            Rotation rotation = new Rotation(
                    Torch.floats(device, cosines, length, 2L * half), Torch.floats(device, sines, length, 2L * half));
            rotation.retain();
            return rotation;
        }
    }

    /** Log-probabilities {@code [n]} of the tokens {@code targets [n, 1]} that follow {@code states [n, hiddenSize]}. */
    Tensor logProbabilities(Weights weights, Tensor states, Tensor targets, double temperature) {
        String head = config.tiedEmbeddings() ? ModelTensors.EMBEDDINGS : ModelTensors.HEAD;
        Tensor logits = logits(weights, states, head).to(ScalarType.Float);
        Tensor scaled = temperature == 1 ? logits : logits.div(new Scalar(temperature));
        return torch.log_softmax(scaled, -1).gather(1, targets).flatten();
    }

    private static Tensor logits(Weights weights, Tensor states, String head) {
        try (Autocast _ = new Autocast(weights.device())) {
            return torch.linear(states, weights.get(head));
        }
    }

    /**
     * What a loss over single tokens is, {@code []}, of the log-probabilities {@code [to - from]} of the batch's reply
     * tokens {@code from} to {@code to}; the whole loss is the sum.
     */
    public interface TokenLoss {
        Tensor of(Tensor logProbabilities, int from, int to);
    }

    /** Adds a loss's gradients to those of the weights; gives the log-probabilities of the batch's reply tokens. */
    public float[] backward(Weights weights, MicroBatch batch, double temperature, TokenLoss loss) {
        try (PointerScope _ = Torch.scope()) {
            Pass pass = forward(weights, batch);
            float[] found = inPieces(weights, batch, pass.states(), temperature, loss);
            pass.backward();
            return found;
        }
    }

    /** Log-probabilities of the batch's reply tokens, without gradient; {@code [replyTokens]}. */
    public float[] logProbabilities(Weights weights, MicroBatch batch, double temperature) {
        try (PointerScope _ = Torch.scope();
                NoGradGuard _ = new NoGradGuard()) {
            Tensor states = hidden(weights, batch);
            return inPieces(weights, batch, states, temperature, null);
        }
    }

    private float[] inPieces(
            Weights weights, MicroBatch batch, Tensor states, double temperature, @Nullable TokenLoss loss) {
        Tensor positions = batch.positions(weights.device());
        Tensor targets = batch.targets(weights.device());
        Tensor rows = states.flatten(0, 1);
        float[] found = new float[batch.replyTokens()];
        int piece = Math.max(1, logitsMax(weights.device()) / config.vocabularySize());
        for (int from = 0; from < found.length; from += piece) {
            int to = Math.min(found.length, from + piece);
            try (PointerScope _ = Torch.scope()) {
                Tensor read = rows.index_select(0, positions.narrow(0, from, to - from));
                Tensor logProbabilities =
                        logProbabilities(weights, read, targets.narrow(0, from, to - from), temperature);
                if (loss != null) {
                    loss.of(logProbabilities, from, to).backward();
                }
                System.arraycopy(Torch.toArray(logProbabilities), 0, found, from, to - from);
            }
        }
        return found;
    }

    private static int logitsMax(ComputeDevice device) {
        return device.cuda() ? (int) Math.min(LOGITS_OF_GPU_MAX, device.memoryBytes() / BYTES_PER_LOGIT) : LOGITS_MAX;
    }

    /** A forward pass with what its gradients need; in the caller's scope. */
    public Pass forward(Weights weights, MicroBatch batch) {
        return Pass.of(this, weights, batch);
    }

    @Override
    public void close() {
        rotations.values().forEach(Rotation::release);
        rotations.clear();
    }
}
