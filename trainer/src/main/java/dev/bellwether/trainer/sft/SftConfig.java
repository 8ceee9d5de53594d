package dev.bellwether.trainer.sft;

/**
 * Settings of supervised fine-tuning.
 *
 * @param learningRate the schedule's peak
 * @param batchTokens padded tokens of one step
 * @param tokensMax longer dialogues are left out
 */
public record SftConfig(double learningRate, int epochs, int batchTokens, int tokensMax, int warmupSteps, long seed) {
    public static final SftConfig DEFAULT = new SftConfig(1.5e-3, 1, 1_800, 256, 60, 1);

    public SftConfig {
        if (learningRate <= 0 || epochs < 1 || batchTokens < tokensMax || warmupSteps < 0) {
            throw new IllegalArgumentException("sft: learning rate %s, epochs %d, batch of %d tokens, at most %d each"
                    .formatted(learningRate, epochs, batchTokens, tokensMax));
        }
    }
}
