package dev.bellwether.trainer.objective;

import java.util.Map;

/** How far a policy moves in a step's updates: means over tokens as each update found them. */
final class StepChanges {
    private final double clip;
    private long tokens;
    private double divergence;
    private long clipped;
    private double valueLoss;
    private int valued;
    private int updates;

    /**
     * @param clip how far a ratio may be from 1
     */
    StepChanges(double clip) {
        this.clip = clip;
    }

    /**
     * Counts an update.
     *
     * @return the mean divergence of a token from the policy that sampled it, in nats
     */
    double add(float[][] found, float[][] old) {
        double nats = 0;
        long count = 0;
        for (int i = 0; i < found.length; i++) {
            for (int t = 0; t < found[i].length; t++) {
                double logRatio = found[i][t] - old[i][t];
                double ratio = Math.exp(logRatio);
                nats += ratio - 1 - logRatio;
                clipped += Math.abs(ratio - 1) > clip ? 1 : 0;
                count++;
            }
        }
        tokens += count;
        divergence += nats;
        updates++;
        return nats / count;
    }

    void valued(double loss) {
        valueLoss += loss;
        valued++;
    }

    void report(Map<String, Double> metrics) {
        metrics.put("loss/value_avg", valued == 0 ? 0 : valueLoss / valued);
        metrics.put("policy/approxkl_avg", divergence / tokens);
        metrics.put("policy/clipfrac_avg", clipped / (double) tokens);
        metrics.put("policy/updates", (double) updates);
    }
}
