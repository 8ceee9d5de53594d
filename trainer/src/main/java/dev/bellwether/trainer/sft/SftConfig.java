package dev.bellwether.trainer.sft;

/**
 * Settings of supervised fine-tuning.
 *
 * @param learningRate the schedule's peak
 * @param batchTokens padded tokens of one step
 * @param tokensMax longer dialogues are left out
 * @param temperature at which the replies' tokens are to be likely: 1, or that of the sampling which they come from
 */
public record SftConfig(
        double learningRate,
        int epochs,
        int batchTokens,
        int tokensMax,
        int warmupSteps,
        long seed,
        double temperature) {
    public static final SftConfig DEFAULT = new SftConfig(1.5e-3, 1, 1_800, 256, 60, 1, 1);

    public SftConfig {
        if (learningRate <= 0 || epochs < 1 || batchTokens < tokensMax || warmupSteps < 0) {
            throw new IllegalArgumentException("sft: learning rate %s, epochs %d, batch of %d tokens, at most %d each"
                    .formatted(learningRate, epochs, batchTokens, tokensMax));
        }
    }
}
