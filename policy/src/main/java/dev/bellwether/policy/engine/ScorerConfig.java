package dev.bellwether.policy.engine;

/**
 * Settings of a reward scorer.
 *
 * @param positionsMax longest prompt and reply together, in tokens; never beyond what the model can
 * @param batchTokens padded tokens that are read at once, or one sample
 * @param threads of one ONNX Runtime session
 */
public record ScorerConfig(int positionsMax, int batchTokens, int threads) {
    /** The longest samples that reward models learn from, and so score, where nothing else is set. */
    public static final int SAMPLE_TOKENS_MAX = 512;

    public ScorerConfig {
        if (positionsMax < 2 || batchTokens < 1 || threads < 1) {
            throw new IllegalArgumentException("reward scorer: every setting must be positive");
        }
    }

    /** For replies as long as what the reward model learned from. */
    public static ScorerConfig serving(int positionsMax, int threads) {
        return new ScorerConfig(positionsMax, 2_048, threads);
    }
}
