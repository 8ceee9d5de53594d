package dev.bellwether.policy.engine;

import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.policy.onnx.OnnxDevice;
import java.util.Optional;

/**
 * What a model may take while it serves; its context and how many replies it gives at once follow.
 *
 * @param contextMax longest prompt and reply together, in tokens; none leaves it to the model and the memory
 * @param memoryMaxBytes of the cache of keys and values, beside the weights
 * @param threads of one step
 * @param precision of the weights; none leaves it to the device
 * @param device {@code auto}, {@code cpu} or {@code cuda:N}
 */
public record ModelLimits(
        Optional<Integer> contextMax, long memoryMaxBytes, int threads, Optional<Precision> precision, String device) {
    public static final ModelLimits DEFAULT =
            new ModelLimits(Optional.empty(), 1L << 30, 1, Optional.empty(), OnnxDevice.AUTO);

    private static final int SLOTS_MAX = 32;
    private static final int SLOTS_OF_GPU_MAX = 64;
    private static final int QUEUE_MAX = 256;
    private static final int PREFILL_TOKENS_MAX = 512;
    private static final int PREFILL_TOKENS_OF_GPU_MAX = 4_096;

    /** A context that leaves no room for a conversation is none. */
    private static final int CONTEXT_MIN = 64;

    /** Of a model whose context alone would fill the memory, as many replies at once as this, as long as it can. */
    private static final int SLOTS_WANTED = 8;

    public ModelLimits {
        if (contextMax.isPresent() && contextMax.get() < CONTEXT_MIN) {
            throw new IllegalArgumentException(
                    "context_max is at least %d tokens, not %d".formatted(CONTEXT_MIN, contextMax.get()));
        }
        if (memoryMaxBytes < 1 || threads < 1) {
            throw new IllegalArgumentException("memory_max and threads must be positive");
        }
        OnnxDevice.checked(device);
    }

    /** Bytes of keys and values that one token keeps. */
    static long bytesPerToken(CheckpointConfig model, Precision precision) {
        return 2L
                * model.layers()
                * model.keyValueHeads()
                * model.headSize()
                * precision.cacheType().bytes();
    }

    /** A precision that is a processor's asks for the processor, unless the device is named. */
    private OnnxDevice where() {
        boolean ofProcessor =
                precision.filter(each -> each != Precision.FLOAT16).isPresent();
        return ofProcessor && device.equals(OnnxDevice.AUTO) ? OnnxDevice.CPU : OnnxDevice.of(device);
    }

    /** How an engine runs the model within these limits; refuses a memory that holds no conversation. */
    public EngineConfig engine(CheckpointConfig model) {
        OnnxDevice where = where();
        Precision how = precision.orElse(Precision.of(where));
        if (where.cuda() != (how == Precision.FLOAT16)) {
            throw new UnsupportedCheckpointException(
                    ("serving: precision is float16 on a GPU, and float32, int8 or int4 on a processor;"
                                    + " it is %s, and the device %s (%s)")
                            .formatted(how, where, where.why()));
        }
        long tokens = memoryMaxBytes / bytesPerToken(model, how);
        if (tokens < CONTEXT_MIN) {
            throw new UnsupportedCheckpointException(
                    "serving: memory_max of %d bytes holds %d tokens of this model, a conversation needs %d at least"
                            .formatted(memoryMaxBytes, tokens, CONTEXT_MIN));
        }
        long context = Math.min(
                model.positionsMax(), contextMax.map(Integer::longValue).orElse(tokens / SLOTS_WANTED));
        context = Math.min(Math.max(context, Math.min(CONTEXT_MIN, model.positionsMax())), tokens);
        int slots = Math.clamp(tokens / context, 1, where.cuda() ? SLOTS_OF_GPU_MAX : SLOTS_MAX);
        int prefill = where.cuda() ? PREFILL_TOKENS_OF_GPU_MAX : PREFILL_TOKENS_MAX;
        return new EngineConfig(slots, (int) context, QUEUE_MAX, threads, prefill, how, where);
    }
}
