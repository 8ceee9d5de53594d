package dev.bellwether.trainer.objective;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;

/** PPO's losses over single tokens; what they give of a part of the tokens adds up to the whole. */
final class PpoLoss {
    private static final double LOG_RATIO_MAX = 20;

    private PpoLoss() {}

    /**
     * Σ w·max(−Aρ, −A·clip(ρ, 1 ± ε)) / tokens with ρ = exp(logProbabilities − old).
     *
     * @param weights w of each token
     */
    static Tensor policy(
            Tensor logProbabilities, Tensor old, Tensor advantages, Tensor weights, double clip, int tokens) {
        Tensor ratio = clamped(logProbabilities.sub(old), -LOG_RATIO_MAX, LOG_RATIO_MAX)
                .exp();
        Tensor clipped = clamped(ratio, 1 - clip, 1 + clip);
        Tensor objective = ratio.mul(advantages).minimum(clipped.mul(advantages));
        return objective.mul(weights).sum().mul(new Scalar(-1.0 / tokens));
    }

    /** Σ ½·max((V − R)², (clip(V, old ± ε) − R)²) / tokens. */
    static Tensor value(Tensor values, Tensor old, Tensor returns, double clip, int tokens) {
        Tensor near = values.maximum(old.sub(new Scalar(clip))).minimum(old.add(new Scalar(clip)));
        Tensor plain = values.sub(returns).square();
        Tensor clipped = near.sub(returns).square();
        return plain.maximum(clipped).sum().mul(new Scalar(.5 / tokens));
    }

    private static Tensor clamped(Tensor x, double least, double most) {
        return x.clamp(new ScalarOptional(new Scalar(least)), new ScalarOptional(new Scalar(most)));
    }
}
