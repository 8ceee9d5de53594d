package dev.bellwether.trainer.objective;

import dev.bellwether.policy.engine.RewardScorer.Score;
import java.util.Map;

/**
 * Settings of PPO.
 *
 * @param steps batches of rollouts
 * @param rollouts replies sampled for each step
 * @param replies to each prompt of a step, where each is compared with the others
 * @param temperature of sampling, and of every log-probability
 */
public record PpoConfig(
        int steps,
        int rollouts,
        int replies,
        Reward reward,
        Update update,
        Bounds bounds,
        double temperature,
        int completionTokensMax) {
    public static final PpoConfig DEFAULT = new PpoConfig(
            20,
            192,
            4,
            new Reward(1, 5, 1, .15, 10),
            new Update(2, 4, 1, 3e-4, 5, .2, .2, .2, 1, .95, .05, 2_000),
            new Bounds(4, .5),
            .7,
            96);

    /** Without a critic a step takes half the time: one pass over what was sampled, and more steps. */
    public static final PpoConfig LEAVING_ONE_OUT = DEFAULT.withEpochs(1);

    private static final double BUDGET_USED = .9;

    /**
     * What a reply is worth.
     *
     * @param uncertaintyPenalty λ: what a unit of the heads' spread costs
     * @param scoreMax scores are clipped to ± this
     * @param missingEndPenalty what a reply without an end loses
     * @param klPenalty β: what a nat of divergence from the reference costs
     * @param phrasePenalty what a reply loses for a phrase, times how many more replies of the step hold it than may
     */
    public record Reward(
            double uncertaintyPenalty,
            double scoreMax,
            double missingEndPenalty,
            double klPenalty,
            double phrasePenalty) {
        /** Of a reply by itself, before its divergence is counted. */
        public double of(Score score, boolean ended) {
            double whole = score.mean() - uncertaintyPenalty * score.spread();
            return Math.clamp(whole, -scoreMax, scoreMax) - (ended ? 0 : missingEndPenalty);
        }
    }

    /**
     * How weights follow from a step's rollouts.
     *
     * @param epochs passes over them
     * @param minibatches updates of the policy in each
     * @param criticEpochs how many of the passes train the critic too
     * @param lastLearningRate share of the rate that is left in the last step
     * @param divergenceMax mean divergence of a token from the policy that sampled it, in nats, beyond which the rest of the
     *     updates is left out
     */
    public record Update(
            int epochs,
            int minibatches,
            int criticEpochs,
            double learningRate,
            int warmupSteps,
            double lastLearningRate,
            double clip,
            double valueClip,
            double gamma,
            double lambda,
            double divergenceMax,
            int batchTokens) {
        private Update with(int ownEpochs, double ownLearningRate, int ownBatchTokens) {
            return new Update(
                    ownEpochs,
                    minibatches,
                    criticEpochs,
                    ownLearningRate,
                    warmupSteps,
                    lastLearningRate,
                    clip,
                    valueClip,
                    gamma,
                    lambda,
                    divergenceMax,
                    ownBatchTokens);
        }
    }

    /**
     * Where an update is undone.
     *
     * @param kl mean divergence of a reply from the reference, in nats, at most
     * @param distinct different replies for each different prompt, at least
     */
    public record Bounds(double kl, double distinct) {}

    /** Whether a step's rollouts show a policy too far from its reference, or one that says the same to everything. */
    public boolean exceededBy(Map<String, Double> metrics) {
        return metrics.getOrDefault("objective/kl", 0.0) > bounds.kl()
                || metrics.getOrDefault("response/distinct", Double.MAX_VALUE) < bounds.distinct();
    }

    /**
     * These settings where no more than {@code budget} nats a reply from the reference are allowed, for a policy that is {@code
     * begun} from it before the first step.
     */
    public PpoConfig within(double budget, double begun) {
        Bounds own = new Bounds(Math.min(furthest(budget), begun + bounds.kl), bounds.distinct);
        return new PpoConfig(steps, rollouts, replies, reward, update, own, temperature, completionTokensMax);
    }

    /** How far training goes, so that the release gate does not find it beyond {@code budget} by chance. */
    public static double furthest(double budget) {
        return BUDGET_USED * budget;
    }

    private PpoConfig withEpochs(int own) {
        return new PpoConfig(
                steps,
                rollouts,
                replies,
                reward,
                update.with(own, update.learningRate, update.batchTokens),
                bounds,
                temperature,
                completionTokensMax);
    }

    /** These settings with other numbers of replies a step, and of padded tokens a batch. */
    public PpoConfig withRollouts(int ownRollouts, int ownBatchTokens) {
        return new PpoConfig(
                steps,
                ownRollouts,
                replies,
                reward,
                update.with(update.epochs, update.learningRate, ownBatchTokens),
                bounds,
                temperature,
                completionTokensMax);
    }

    /**
     * These settings for a bot's own steps, temperature and longest reply.
     *
     * @param learningRateFactor what the standard rate is multiplied with
     */
    public PpoConfig with(
            int ownSteps,
            int ownRollouts,
            double ownTemperature,
            int ownCompletionTokensMax,
            double learningRateFactor) {
        return new PpoConfig(
                ownSteps,
                ownRollouts,
                replies,
                reward,
                update.with(update.epochs, learningRateFactor * update.learningRate, update.batchTokens),
                bounds,
                ownTemperature,
                ownCompletionTokensMax);
    }
}
