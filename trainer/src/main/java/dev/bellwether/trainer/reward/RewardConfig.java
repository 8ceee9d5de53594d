package dev.bellwether.trainer.reward;

/**
 * Settings of the reward model's training.
 *
 * @param heads each trained on its own bootstrap of the data; their spread is the uncertainty
 * @param batchWeight weight of the evidence in one step, where a comparison of full weight is 1
 * @param smoothing probability that a judgement says the opposite of what was meant
 * @param voteWeight of a thumb, beside a comparison
 * @param mismatches comparisons of a reply to its prompt with a reply to another, for each good reply
 * @param near of how many prompts drawn the most similar one gives a mismatch its other reply
 * @param mismatchWeight of such a comparison
 * @param centring pulls the rewards of a pair towards opposite numbers
 */
public record RewardConfig(
        int heads,
        double learningRate,
        int epochs,
        double batchWeight,
        double smoothing,
        double voteWeight,
        double mismatches,
        int near,
        double mismatchWeight,
        double centring,
        int batchTokens) {
    public static final RewardConfig DEFAULT = new RewardConfig(4, 3e-4, 2, 32, .1, .5, .5, 16, .5, .01, 1_800);

    /** These settings with another learning rate. */
    public RewardConfig withLearningRate(double own) {
        return new RewardConfig(
                heads,
                own,
                epochs,
                batchWeight,
                smoothing,
                voteWeight,
                mismatches,
                near,
                mismatchWeight,
                centring,
                batchTokens);
    }
}
