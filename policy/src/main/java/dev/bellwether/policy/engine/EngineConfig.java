package dev.bellwether.policy.engine;

/**
 * Settings of a generation engine.
 *
 * @param slots replies generated at once
 * @param positionsMax longest prompt and reply together, in tokens; never beyond what the model can
 * @param queueMax requests that may wait for a slot
 * @param threads of one ONNX Runtime session
 * @param prefillTokensMax tokens of prompts read between two decoding steps
 */
public record EngineConfig(
        int slots, int positionsMax, int queueMax, int threads, int prefillTokensMax, Precision precision) {
    private static final int BULK_SLOTS_MAX = 64;

    /** For {@code requests} at once that are all known before. */
    static EngineConfig bulk(int requests, int positionsMax) {
        return new EngineConfig(Math.clamp(requests, 1, BULK_SLOTS_MAX), positionsMax, 1_000_000, 2, 2_048);
    }

    /** In float32. */
    public EngineConfig(int slots, int positionsMax, int queueMax, int threads, int prefillTokensMax) {
        this(slots, positionsMax, queueMax, threads, prefillTokensMax, Precision.FLOAT32);
    }

    public EngineConfig {
        if (slots < 1 || positionsMax < 2 || queueMax < 1 || threads < 1 || prefillTokensMax < 1) {
            throw new IllegalArgumentException("engine: every setting must be positive");
        }
    }
}
