package dev.bellwether.trainer.reward;

/**
 * Settings of the reward model's training.
 *
 * @param heads each trained on its own bootstrap of the data; their spread is the uncertainty
 * @param batchPairs comparisons in one step
 * @param smoothing probability that a judgement says the opposite of what was meant
 * @param voteWeight of thumbs beside comparisons
 * @param mismatches comparisons of a reply to its prompt with a reply to another, as a share of all comparisons
 * @param centring pulls the rewards of a pair towards opposite numbers
 */
public record RewardConfig(
        int heads,
        double learningRate,
        int epochs,
        int batchPairs,
        double smoothing,
        double voteWeight,
        double mismatches,
        double centring,
        int batchTokens) {
    public static final RewardConfig DEFAULT = new RewardConfig(4, 3e-4, 2, 32, .1, 1, .7, .01, 1_800);
}
