package dev.bellwether.policy.onnx;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Map;

/** A graph with its weights, ready to run: each binding by one thread at a time, on a processor several at once. */
public final class OnnxSession implements AutoCloseable {
    private static final int ALL_OPTIMIZATIONS = 99;

    private final OnnxRuntime runtime = OnnxRuntime.get();
    private final MemorySegment session;
    private final OnnxDevice device;

    private OnnxSession(MemorySegment session, OnnxDevice device) {
        this.session = session;
        this.device = device;
    }

    /**
     * Loads a graph.
     *
     * @param graph a serialized {@code ModelProto}
     * @param weights the folder in which the graph's external initializers lie
     * @param initializers others, by name; their memory must outlive the session
     * @param threads of one run
     * @param device where it computes
     * @throws OnnxException where the library refuses it
     */
    public static OnnxSession open(
            byte[] graph, Path weights, Map<String, OnnxTensor> initializers, int threads, OnnxDevice device) {
        OnnxRuntime runtime = OnnxRuntime.get();
        MemorySegment options = runtime.made(OrtFunction.CREATE_SESSION_OPTIONS);
        try (Arena arena = Arena.ofConfined()) {
            runtime.check(OrtFunction.SET_INTRA_OP_NUM_THREADS, options, threads);
            runtime.check(OrtFunction.SET_SESSION_GRAPH_OPTIMIZATION_LEVEL, options, ALL_OPTIMIZATIONS);
            Map<String, String> entries = Map.of(
                    "session.intra_op.allow_spinning",
                    "0",
                    "session.use_env_allocators",
                    "1",
                    "session.model_external_initializers_file_folder_path",
                    weights.toAbsolutePath().toString());
            entries.forEach((key, value) -> runtime.check(
                    OrtFunction.ADD_SESSION_CONFIG_ENTRY, options, arena.allocateFrom(key), arena.allocateFrom(value)));
            if (device.cuda()) {
                runtime.check(OrtFunction.DISABLE_MEM_PATTERN, options);
                runtime.appendCuda(options, device.gpu().orElseThrow(), true);
            }
            give(initializers, options, arena);
            MemorySegment bytes = arena.allocateFrom(JAVA_BYTE, graph);
            return device.together(() -> new OnnxSession(
                    runtime.made(
                            OrtFunction.CREATE_SESSION_FROM_ARRAY,
                            runtime.environment(),
                            bytes,
                            bytes.byteSize(),
                            options),
                    device));
        } finally {
            runtime.release(OrtFunction.RELEASE_SESSION_OPTIONS, options);
        }
    }

    private static void give(Map<String, OnnxTensor> initializers, MemorySegment options, Arena arena) {
        if (initializers.isEmpty()) {
            return;
        }
        MemorySegment names = arena.allocate(ADDRESS, initializers.size());
        MemorySegment values = arena.allocate(ADDRESS, initializers.size());
        int i = 0;
        for (Map.Entry<String, OnnxTensor> each : initializers.entrySet()) {
            names.setAtIndex(ADDRESS, i, arena.allocateFrom(each.getKey()));
            values.setAtIndex(ADDRESS, i, each.getValue().value());
            i++;
        }
        OnnxRuntime.get()
                .check(OrtFunction.ADD_EXTERNAL_INITIALIZERS, options, names, values, (long) initializers.size());
    }

    MemorySegment pointer() {
        return session;
    }

    OnnxDevice device() {
        return device;
    }

    /** What a run reads and writes; to be closed before the session. */
    public OnnxBinding binding() {
        return new OnnxBinding(this, OnnxBinding.ONCE);
    }

    /**
     * What runs of always the same shapes read and write. A GPU records one of them and replays it from then on, with all
     * that the processor read of its inputs.
     *
     * @param number one of its own, from 1 on
     */
    public OnnxBinding repeated(int number) {
        return new OnnxBinding(this, number);
    }

    @Override
    public void close() {
        device.together(() -> {
            runtime.release(OrtFunction.RELEASE_SESSION, session);
            return session;
        });
    }
}
