package dev.bellwether.policy.engine;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Draws the tokens of one reply from their logits. */
final class Sampler {
    /** Tokens less likely than e⁻²⁰ times the likeliest are never drawn. */
    private static final double NEGLIGIBLE = -20;

    private final Sampling sampling;
    private final SplittableRandom random;
    private final double[] weights;

    Sampler(Sampling sampling, int vocabularySize) {
        this.sampling = sampling;
        this.random = new SplittableRandom(sampling.seed());
        this.weights = new double[vocabularySize];
    }

    /** A drawn token and its log-probability at the sampling temperature, before top-p and top-k. */
    record Draw(int token, float logProbability) {}

    /** Draws from {@code logits[from … from + vocabulary)}. */
    Draw draw(float[] logits, int from) {
        double temperature = sampling.temperature() == 0 ? 1 : sampling.temperature();
        int likeliest = 0;
        for (int v = 1; v < weights.length; v++) {
            if (logits[from + v] > logits[from + likeliest]) {
                likeliest = v;
            }
        }
        double top = logits[from + likeliest];
        if (!Double.isFinite(top)) {
            throw new IllegalStateException("the model's output is not finite");
        }
        double sum = 0;
        for (int v = 0; v < weights.length; v++) {
            double z = (logits[from + v] - top) / temperature;
            weights[v] = z < NEGLIGIBLE ? 0 : Math.exp(z);
            sum += weights[v];
        }
        int token = sampling.temperature() == 0 ? likeliest : pick(sum);
        return new Draw(token, (float) ((logits[from + token] - top) / temperature - Math.log(sum)));
    }

    private int pick(double sum) {
        double threshold = threshold(sum);
        double kept = sum;
        if (threshold > 0) {
            kept = 0;
            for (double weight : weights) {
                kept += weight >= threshold ? weight : 0;
            }
        }
        double at = random.nextDouble() * kept;
        int token = 0;
        for (int v = 0; v < weights.length; v++) {
            if (weights[v] > 0 && weights[v] >= threshold) {
                token = v;
                at -= weights[v];
                if (at < 0) {
                    break;
                }
            }
        }
        return token;
    }

    /** The least weight that top-p and top-k leave in play. */
    private double threshold(double sum) {
        if (sampling.topP() == 1 && sampling.topK() == 0) {
            return 0;
        }
        double[] sorted = weights.clone();
        Arrays.sort(sorted);
        int last = sorted.length - 1;
        int count = sampling.topK() == 0 ? sorted.length : Math.min(sampling.topK(), sorted.length);
        double mass = 0;
        for (int i = 0; i < count; i++) {
            mass += sorted[last - i];
            if (mass >= sampling.topP() * sum) {
                return sorted[last - i];
            }
        }
        return sorted[last - count + 1];
    }
}
