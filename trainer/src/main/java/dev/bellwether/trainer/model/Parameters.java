package dev.bellwether.trainer.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.TensorShape;
import java.util.Arrays;
import java.util.Random;

/**
 * A model's parameters as one flat vector with the state of AdamW beside it.
 *
 * <p>Training works on a copy (the leaf) that belongs to the step and takes the gradients; the master changes only in
 * {@link #update}, outside any gradient scope. So nothing of a step outlives it.
 *
 * @see <a href="https://arxiv.org/abs/1711.05101">Loshchilov and Hutter: Decoupled Weight Decay Regularization</a>
 */
public final class Parameters implements AutoCloseable {
    private final NDManager manager;
    private final NDArray master;
    private final NDArray momentum;
    private final NDArray variance;
    private final AdamW optimizer;
    private int steps;

    /**
     * AdamW's settings.
     *
     * @param gradientNormMax longer gradients are shortened to this length
     */
    public record AdamW(double beta1, double beta2, double epsilon, double weightDecay, double gradientNormMax) {
        public static final AdamW FINE_TUNING = new AdamW(.9, .95, 1e-8, .01, 1);
        public static final AdamW PPO = new AdamW(.9, .95, 1e-5, 0, 1);
    }

    /** Everything that a resumed run needs. */
    public record State(float[] master, float[] momentum, float[] variance, int steps) {
        /** Before the first step. */
        public static State fresh(float[] initial) {
            return new State(initial, new float[initial.length], new float[initial.length], 0);
        }
    }

    public Parameters(NDManager parent, float[] initial, AdamW optimizer) {
        this(parent, State.fresh(initial), optimizer);
    }

    public Parameters(NDManager parent, State state, AdamW optimizer) {
        this.manager = parent.newSubManager();
        this.master = owned(state.master());
        this.momentum = owned(state.momentum());
        this.variance = owned(state.variance());
        this.steps = state.steps();
        this.optimizer = optimizer;
    }

    /** Copied by the native side, so that it lies in memory which no Java buffer owns. */
    private NDArray owned(float[] values) {
        try (NDArray wrapped = manager.create(values)) {
            return wrapped.duplicate();
        }
    }

    /** Parameters of a new model: normal with deviation .02·√(256/hidden), output projections less by depth. */
    public static float[] random(CheckpointConfig config, long seed) {
        Random random = new Random(seed);
        float[] flat = new float[config.flatSize()];
        double deviation = .04 * Math.sqrt(256.0 / config.hiddenSize());
        int offset = 0;
        for (TensorShape shape : config.tensors()) {
            int end = Math.toIntExact(offset + shape.size());
            boolean norm = shape.name().endsWith("norm.weight");
            boolean output =
                    shape.name().endsWith("o_proj.weight") || shape.name().endsWith("down_proj.weight");
            double scale = output ? deviation / Math.sqrt(2.0 * config.layers()) : deviation;
            if (norm) {
                Arrays.fill(flat, offset, end, 1f);
            } else if (!shape.name().endsWith("bias")) {
                for (int i = offset; i < end; i++) {
                    flat[i] = (float) (random.nextGaussian() * scale);
                }
            }
            offset = end;
        }
        return flat;
    }

    /** A scope for one step, beside the parameters. */
    NDManager newScope() {
        return manager.newSubManager();
    }

    /** A copy that takes gradients, belonging to {@code step}. */
    public NDArray leaf(NDManager step) {
        NDArray leaf = frozen(step);
        leaf.setRequiresGradient(true);
        return leaf;
    }

    /** A copy without gradients, belonging to {@code step}. */
    public NDArray frozen(NDManager step) {
        NDArray copy = master.duplicate();
        copy.attach(step);
        return copy;
    }

    /**
     * One step of AdamW along the gradient of {@code leaf}.
     *
     * @return the gradient's length before clipping
     * @throws TrainingCollapsedException when the gradient is not finite; nothing is changed then
     */
    public double update(NDArray leaf, double learningRate) {
        try (NDManager scratch = manager.newSubManager()) {
            NDArray gradient = leaf.getGradient();
            gradient.attach(scratch);
            double norm = Math.sqrt(gradient.square().sum().getFloat());
            if (!Double.isFinite(norm)) {
                throw new TrainingCollapsedException("the gradient is not finite at step %d".formatted(steps + 1));
            }
            if (norm > optimizer.gradientNormMax) {
                gradient.muli((float) (optimizer.gradientNormMax / norm));
            }
            steps++;
            momentum.muli((float) optimizer.beta1).addi(gradient.mul((float) (1 - optimizer.beta1)));
            variance.muli((float) optimizer.beta2).addi(gradient.square().mul((float) (1 - optimizer.beta2)));
            double momentumBias = 1 - Math.pow(optimizer.beta1, steps);
            double varianceBias = 1 - Math.pow(optimizer.beta2, steps);
            NDArray unbiased = variance.div((float) varianceBias);
            unbiased.attach(scratch);
            NDArray denominator = unbiased.sqrt().addi((float) optimizer.epsilon);
            NDArray direction = momentum.div(denominator);
            direction.attach(scratch);
            if (optimizer.weightDecay > 0) {
                master.muli((float) (1 - learningRate * optimizer.weightDecay));
            }
            master.subi(direction.muli((float) (learningRate / momentumBias)));
            return norm;
        }
    }

    public float[] toArray() {
        return master.toFloatArray();
    }

    public State state() {
        return new State(master.toFloatArray(), momentum.toFloatArray(), variance.toFloatArray(), steps);
    }

    @Override
    public void close() {
        manager.close();
    }
}
