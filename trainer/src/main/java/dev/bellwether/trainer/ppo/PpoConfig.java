package dev.bellwether.trainer.ppo;

import java.util.Map;

/**
 * Settings of PPO.
 *
 * @param steps policy updates
 * @param rollouts replies sampled for each step
 * @param epochs passes over a step's rollouts
 * @param criticEpochs how many of them train the critic too
 * @param klPenalty β: what a nat of divergence from the reference costs
 * @param uncertaintyPenalty λ: what a unit of the heads' spread costs
 * @param klStop training ends when the mean divergence of a reply passes it, in nats
 * @param distinctMin training ends when a step has fewer different replies for each different prompt
 * @param temperature of sampling, and of every log-probability
 */
public record PpoConfig(
        int steps,
        int rollouts,
        int epochs,
        int criticEpochs,
        double learningRate,
        int warmupSteps,
        double lastLearningRate,
        double klPenalty,
        double uncertaintyPenalty,
        double klStop,
        double distinctMin,
        double clip,
        double valueClip,
        double gamma,
        double lambda,
        double scoreMax,
        double missingEndPenalty,
        double temperature,
        int completionTokensMax,
        int batchTokens) {
    public static final PpoConfig DEFAULT =
            new PpoConfig(24, 192, 2, 1, 6e-4, 5, .2, .2, 1, 4, .5, .2, .2, 1, .95, 5, 1, .7, 96, 2_000);

    /** Whether a step's rollouts show a policy too far from its reference, or one that says the same to everything. */
    public boolean exceededBy(Map<String, Double> metrics) {
        return metrics.getOrDefault("objective/kl", 0.0) > klStop
                || metrics.getOrDefault("response/distinct", Double.MAX_VALUE) < distinctMin;
    }

    /** These settings with other numbers of replies a step, and of padded tokens a batch. */
    public PpoConfig withRollouts(int ownRollouts, int ownBatchTokens) {
        return new PpoConfig(
                steps,
                ownRollouts,
                epochs,
                criticEpochs,
                learningRate,
                warmupSteps,
                lastLearningRate,
                klPenalty,
                uncertaintyPenalty,
                klStop,
                distinctMin,
                clip,
                valueClip,
                gamma,
                lambda,
                scoreMax,
                missingEndPenalty,
                temperature,
                completionTokensMax,
                ownBatchTokens);
    }

    /** These settings for a bot's own steps, temperature and longest reply. */
    public PpoConfig with(int ownSteps, double ownTemperature, int ownCompletionTokensMax) {
        return new PpoConfig(
                ownSteps,
                rollouts,
                epochs,
                criticEpochs,
                learningRate,
                warmupSteps,
                lastLearningRate,
                klPenalty,
                uncertaintyPenalty,
                klStop,
                distinctMin,
                clip,
                valueClip,
                gamma,
                lambda,
                scoreMax,
                missingEndPenalty,
                ownTemperature,
                ownCompletionTokensMax,
                batchTokens);
    }
}
