package dev.bellwether.policy.engine;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.onnx.OnnxDevice;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Replies to many prompts that are all known before: so the batches, and with them the replies, are the same every time.
 * The model stays loaded from one lot to the next; it is computed by the thread that asks.
 */
public final class BulkGeneration implements AutoCloseable {
    private static final int SLOTS_MAX = 64;
    private static final int SLOTS_OF_GPU_MAX = 256;
    private static final int QUEUE_MAX = 1_000_000;
    private static final int THREADS = 2;
    private static final int PREFILL_TOKENS_MAX = 2_048;
    private static final int PREFILL_TOKENS_OF_GPU_MAX = 1 << 14;

    /** Of a GPU's memory the part that the cache of keys and values may take: models in training want the rest. */
    private static final int CACHE_PART_OF_GPU = 16;

    private final Checkpoint checkpoint;
    private final EngineConfig config;
    private final DecoderSession session;

    private BulkGeneration(Checkpoint checkpoint, EngineConfig config) {
        this.checkpoint = checkpoint;
        this.config = config;
        this.session = config.session(checkpoint);
    }

    /**
     * Loads a model.
     *
     * @param requests how many replies will be wanted in one lot
     * @param positions the longest prompt and reply together, in tokens
     */
    public static BulkGeneration open(Checkpoint checkpoint, int requests, int positions, OnnxDevice device) {
        Precision precision = Precision.of(device);
        int longest = Math.min(positions, checkpoint.config().positionsMax());
        int slots = SLOTS_MAX;
        int prefill = PREFILL_TOKENS_MAX;
        if (device.cuda()) {
            slots = slotsOfGpu(checkpoint.config(), longest, precision, device.memoryBytes());
            prefill = PREFILL_TOKENS_OF_GPU_MAX;
        }
        return new BulkGeneration(
                checkpoint,
                new EngineConfig(
                        Math.clamp(requests, 1, slots), longest, QUEUE_MAX, THREADS, prefill, precision, device));
    }

    private static int slotsOfGpu(CheckpointConfig model, int positions, Precision precision, long memoryBytes) {
        long slot = positions * ModelLimits.bytesPerToken(model, precision);
        return Math.clamp(memoryBytes / CACHE_PART_OF_GPU / slot, 1, SLOTS_OF_GPU_MAX);
    }

    /** The longest prompt and reply together, in tokens. */
    public int positionsMax() {
        return config.positionsMax();
    }

    /** One reply to each of {@code prompts}, in their order. */
    public List<Completion> generate(List<int[]> prompts, Sampling sampling, Duration timeout) {
        GenerationEngine engine = GenerationEngine.over(session, checkpoint, config);
        List<CompletableFuture<Completion>> futures =
                engine.submitAll(GenerationRequest.all(prompts, sampling, timeout));
        engine.runToTheEnd();
        return CompletingListener.join(futures);
    }

    /** The same of a model that is loaded for it alone, on the processor. */
    public static List<Completion> generate(
            Checkpoint checkpoint, List<int[]> prompts, Sampling sampling, Duration timeout) {
        int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElse(1);
        try (BulkGeneration bulk = open(checkpoint, prompts.size(), longest + sampling.tokensMax(), OnnxDevice.CPU)) {
            return bulk.generate(prompts, sampling, timeout);
        }
    }

    @Override
    public void close() {
        session.close();
    }
}
