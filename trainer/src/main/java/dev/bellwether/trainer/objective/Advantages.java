package dev.bellwether.trainer.objective;

import java.util.List;
import org.apache.commons.statistics.descriptive.Variance;

/**
 * What tokens turned out to be worth.
 *
 * @param advantages what they are worth beyond what was expected
 * @param values what was expected
 * @param returns what came, which a critic learns: advantages and values together, before the advantages are whitened
 */
record Advantages(float[] advantages, float[] values, float[] returns) {

    /**
     * Generalized advantage estimation on the rewards and values of one reply's tokens: A_t = δ_t + γλ·A_{t+1}, with
     * δ_t = r_t + γ·V_{t+1} − V_t and nothing after the last token.
     *
     * @see <a href="https://arxiv.org/abs/1506.02438">Schulman et al.: High-Dimensional Continuous Control Using
     *     Generalized Advantage Estimation</a>
     */
    static Advantages estimate(double[] rewards, float[] values, double gamma, double lambda) {
        int length = rewards.length;
        float[] advantages = new float[length];
        float[] returns = new float[length];
        double advantage = 0;
        for (int t = length - 1; t >= 0; t--) {
            double nextValue = t + 1 < length ? values[t + 1] : 0;
            double delta = rewards[t] + gamma * nextValue - values[t];
            advantage = delta + gamma * lambda * advantage;
            advantages[t] = (float) advantage;
            returns[t] = (float) (advantage + values[t]);
        }
        return new Advantages(advantages, values, returns);
    }

    /** Shifts and scales all advantages in place to mean 0 and deviation 1 over their tokens. */
    static void whiten(List<Advantages> all) {
        double sum = 0;
        double squares = 0;
        long count = 0;
        for (Advantages each : all) {
            for (float advantage : each.advantages) {
                sum += advantage;
                squares += (double) advantage * advantage;
                count++;
            }
        }
        double mean = sum / count;
        double deviation = Math.sqrt(Math.max(0, squares / count - mean * mean)) + 1e-8;
        for (Advantages each : all) {
            for (int t = 0; t < each.advantages.length; t++) {
                each.advantages[t] = (float) ((each.advantages[t] - mean) / deviation);
            }
        }
    }

    /**
     * 1 − Var(R − V) / Var(R) over all tokens: 1 where everything was foreseen, 0 where what was expected tells nothing.
     */
    static double explainedVariance(List<Advantages> all) {
        Variance actual = Variance.create();
        Variance errors = Variance.create();
        for (Advantages each : all) {
            for (int t = 0; t < each.returns.length; t++) {
                actual.accept(each.returns[t]);
                errors.accept(each.returns[t] - each.values[t]);
            }
        }
        return 1 - errors.getAsDouble() / Math.max(1e-9, actual.getAsDouble());
    }
}
