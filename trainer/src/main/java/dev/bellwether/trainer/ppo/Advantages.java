package dev.bellwether.trainer.ppo;

import java.util.List;
import org.apache.commons.statistics.descriptive.Variance;

/**
 * Generalized advantage estimation on the tokens of a reply.
 *
 * @param advantages A_t = δ_t + γλ·A_{t+1}, with δ_t = r_t + γ·V_{t+1} − V_t and nothing after the last token
 * @param returns A_t + V_t, what the critic learns
 * @see <a href="https://arxiv.org/abs/1506.02438">Schulman et al.: High-Dimensional Continuous Control Using
 *     Generalized Advantage Estimation</a>
 */
record Advantages(float[] advantages, float[] returns) {

    /** Of the rewards and values of one reply's tokens. */
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
        return new Advantages(advantages, returns);
    }

    /** Shifts and scales all {@code advantages} in place to mean 0 and deviation 1 over their tokens. */
    static void whiten(List<float[]> advantages) {
        double sum = 0;
        double squares = 0;
        long count = 0;
        for (float[] each : advantages) {
            for (float advantage : each) {
                sum += advantage;
                squares += (double) advantage * advantage;
                count++;
            }
        }
        double mean = sum / count;
        double deviation = Math.sqrt(Math.max(0, squares / count - mean * mean)) + 1e-8;
        for (float[] each : advantages) {
            for (int t = 0; t < each.length; t++) {
                each[t] = (float) ((each[t] - mean) / deviation);
            }
        }
    }

    /**
     * 1 − Var(R − V) / Var(R) over all tokens: 1 for a critic that foresees everything, 0 for one that tells nothing.
     */
    static double explainedVariance(List<float[]> values, List<float[]> returns) {
        Variance actual = Variance.create();
        Variance errors = Variance.create();
        for (int i = 0; i < returns.size(); i++) {
            for (int t = 0; t < returns.get(i).length; t++) {
                actual.accept(returns.get(i)[t]);
                errors.accept(returns.get(i)[t] - values.get(i)[t]);
            }
        }
        return 1 - errors.getAsDouble() / Math.max(1e-9, actual.getAsDouble());
    }
}
