package dev.bellwether.trainer.model;

import dev.bellwether.trainer.tensor.Torch;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Weights in training: their gradients and the state of AdamW beside them, each one vector.
 *
 * <p>Gradients add up over backward passes until {@link #update}.
 *
 * @see <a href="https://arxiv.org/abs/1711.05101">Loshchilov and Hutter: Decoupled Weight Decay Regularization</a>
 */
public final class Parameters implements AutoCloseable {
    private final Weights weights;
    private final AdamW optimizer;
    private final Tensor gradient;
    private final Tensor momentum;
    private final Tensor variance;
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

    /**
     * Starts to train {@code weights}, which stay the caller's.
     */
    public Parameters(Weights weights, AdamW optimizer) {
        this.weights = weights;
        this.optimizer = optimizer;
        try (PointerScope _ = Torch.scope()) {
            gradient = torch.zeros_like(weights.vector());
            momentum = torch.zeros_like(weights.vector());
            variance = torch.zeros_like(weights.vector());
            gradient.retainReference();
            momentum.retainReference();
            variance.retainReference();
            Map<String, Tensor> gradients = weights.views(gradient);
            weights.own().forEach((name, tensor) -> {
                tensor.set_requires_grad(true);
                tensor.mutable_grad().put(gradients.get(name));
            });
        }
    }

    public Weights weights() {
        return weights;
    }

    /**
     * One step of AdamW along the gradients, which are zero afterwards.
     *
     * @return the gradients' length before clipping
     * @throws TrainingCollapsedException when a gradient is not finite; nothing is changed then
     */
    public double update(double learningRate) {
        try (PointerScope _ = Torch.scope();
                NoGradGuard _ = new NoGradGuard()) {
            double norm = gradient.norm().item_double();
            if (!Double.isFinite(norm)) {
                throw new TrainingCollapsedException("the gradient is not finite at step %d".formatted(steps + 1));
            }
            if (norm > optimizer.gradientNormMax) {
                gradient.mul_(new Scalar(optimizer.gradientNormMax / norm));
            }
            steps++;
            momentum.mul_(new Scalar(optimizer.beta1));
            momentum.add_(gradient, new Scalar(1 - optimizer.beta1));
            variance.mul_(new Scalar(optimizer.beta2));
            variance.addcmul_(gradient, gradient, new Scalar(1 - optimizer.beta2));
            double momentumBias = 1 - Math.pow(optimizer.beta1, steps);
            double varianceBias = 1 - Math.pow(optimizer.beta2, steps);
            Tensor vector = weights.vector();
            if (optimizer.weightDecay > 0) {
                vector.mul_(new Scalar(1 - learningRate * optimizer.weightDecay));
            }
            // The gradient is used up: what the step divides by takes its place, and nothing new is allocated.
            gradient.copy_(variance);
            gradient.sqrt_();
            gradient.div_(new Scalar(Math.sqrt(varianceBias)));
            gradient.add_(new Scalar(optimizer.epsilon));
            vector.addcdiv_(momentum, gradient, new Scalar(-learningRate / momentumBias));
            gradient.zero_();
            return norm;
        }
    }

    /** Drops the gradients that have come together. */
    public void forget() {
        gradient.zero_();
    }

    /** Forgets every step that was made; the weights stay as they are. */
    public void reset() {
        gradient.zero_();
        momentum.zero_();
        variance.zero_();
        steps = 0;
    }

    /** Steps made so far. */
    public int steps() {
        return steps;
    }

    /** Goes on after {@code made} steps, whose state is in {@link #momentum} and {@link #variance} already. */
    public void resumeAfter(int made) {
        steps = made;
    }

    /** First moment of the gradients. */
    public Tensor momentum() {
        return momentum;
    }

    /** Second moment of the gradients. */
    public Tensor variance() {
        return variance;
    }

    /** The gradients as an array, which has to be small enough for one. */
    float[] gradients() {
        return Torch.toArray(gradient);
    }

    @Override
    public void close() {
        try (PointerScope _ = Torch.scope()) {
            weights.own().values().forEach(tensor -> {
                tensor.mutable_grad().put(new Tensor());
                tensor.set_requires_grad(false);
            });
        }
        gradient.releaseReference();
        momentum.releaseReference();
        variance.releaseReference();
    }
}
