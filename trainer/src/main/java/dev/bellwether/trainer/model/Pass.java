package dev.bellwether.trainer.model;

import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.tensor.Autocast;
import dev.bellwether.trainer.tensor.ComputeDevice;
import dev.bellwether.trainer.tensor.Torch;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;
import org.jspecify.annotations.Nullable;

/**
 * One forward pass of a training step. A loss is computed from {@link #states()} and taken back to them; from there
 * {@link #backward()} takes it to the weights.
 *
 * <p>Where what all layers would keep for it is too much, only their inputs are kept, and each layer is computed once
 * more on the way back.
 *
 * @see <a href="https://arxiv.org/abs/1604.06174">Chen et al.: Training Deep Nets with Sublinear Memory Cost</a>
 */
public final class Pass {
    private final Transformer model;
    private final Weights weights;

    /** Where layers are computed once more. */
    private final Transformer.@Nullable Geometry geometry;

    private final Tensor states;

    /** What {@link #states} was made of, with its graph. */
    private final Tensor made;

    /** What the layers read; empty where their graphs are kept. */
    private final List<Tensor> inputs;

    private Pass(
            Transformer model,
            Weights weights,
            Transformer.@Nullable Geometry geometry,
            Tensor made,
            List<Tensor> inputs) {
        this.model = model;
        this.weights = weights;
        this.geometry = geometry;
        this.made = made;
        this.inputs = inputs;
        this.states = made.detach();
        this.states.set_requires_grad(true);
    }

    static Pass of(Transformer model, Weights weights, MicroBatch batch) {
        try (Autocast _ = new Autocast(weights.device())) {
            if (keptBytes(model.config(), batch, weights.device()) <= model.keptBytesMax(weights.device())) {
                return new Pass(model, weights, null, model.hidden(weights, batch), List.of());
            }
            List<Tensor> inputs = new ArrayList<>();
            Transformer.Geometry geometry = model.geometry(batch, weights.device());
            Tensor x = model.embedded(weights, batch.ids(weights.device()));
            try (NoGradGuard _ = new NoGradGuard()) {
                for (int layer = 0; layer < model.config().layers(); layer++) {
                    inputs.add(x);
                    x = model.layer(weights, layer, x, geometry);
                }
            }
            inputs.add(x);
            Tensor end = x.detach();
            end.set_requires_grad(true);
            inputs.set(inputs.size() - 1, end);
            return new Pass(model, weights, geometry, model.last(weights, end), inputs);
        }
    }

    /** What autograd keeps: of each token and layer some ten rows as wide as the states, and four of the inner ones. */
    private static long keptBytes(CheckpointConfig config, MicroBatch batch, ComputeDevice device) {
        long numbers = 10L * config.hiddenSize() + 4L * config.feedForwardSize();
        // Of what a GPU computes in bfloat16 little is kept in float32.
        int bytes = device.cuda() ? Short.BYTES : Float.BYTES;
        return numbers * bytes * config.layers() * batch.rows() * batch.length();
    }

    /** Hidden states after the last norm, {@code [rows, length, hiddenSize]}; they collect gradients. */
    public Tensor states() {
        return states;
    }

    /** Takes the gradients that the states have by now on to the weights. */
    public void backward() {
        Tensor gradient = new Tensor(states.grad());
        backward(made, gradient);
        if (geometry == null) {
            return;
        }
        Tensor above = new Tensor(inputs.getLast().grad());
        PointerScope whole = PointerScope.getInnerScope();
        for (int layer = inputs.size() - 2; layer >= 0; layer--) {
            try (PointerScope _ = Torch.scope()) {
                Tensor input = inputs.get(layer).detach();
                input.set_requires_grad(true);
                Tensor output;
                try (Autocast _ = new Autocast(weights.device())) {
                    output = model.layer(weights, layer, input, geometry);
                }
                backward(output, above);
                above = new Tensor(input.grad());
                whole.attach(above);
            }
        }
        if (inputs.getFirst().requires_grad()) {
            backward(inputs.getFirst(), above);
        }
    }

    private static void backward(Tensor of, Tensor gradient) {
        of.backward(gradient, new BoolOptional(), false, new TensorArrayRefOptional());
    }
}
