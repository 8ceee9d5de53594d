package dev.bellwether.policy.onnx;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Where a session's inputs and outputs lie. It is used for one run after another: between them the numbers change, not
 * the tensors.
 */
public final class OnnxBinding implements AutoCloseable {
    /** The number of runs that are never recorded. */
    static final int ONCE = -1;

    private final OnnxRuntime runtime = OnnxRuntime.get();
    private final OnnxSession session;
    private final MemorySegment binding;

    /** Of runs as they come, and of those that are recorded; nothing on the processor. */
    private final MemorySegment plain;

    private final MemorySegment recorded;

    /** The thread whose runs are recorded by now: ONNX Runtime keeps what it recorded by threads. */
    private long recordedBy;

    OnnxBinding(OnnxSession session, int number) {
        this.session = session;
        boolean gpu = session.device().cuda();
        this.plain = gpu ? options(ONCE) : MemorySegment.NULL;
        this.recorded = gpu && number != ONCE ? options(number) : MemorySegment.NULL;
        try {
            this.binding = runtime.made(OrtFunction.CREATE_IO_BINDING, session.pointer());
        } catch (RuntimeException | Error e) {
            releaseOptions();
            throw e;
        }
    }

    private MemorySegment options(int number) {
        MemorySegment made = runtime.made(OrtFunction.CREATE_RUN_OPTIONS);
        try (Arena arena = Arena.ofConfined()) {
            runtime.check(
                    OrtFunction.ADD_RUN_CONFIG_ENTRY,
                    made,
                    arena.allocateFrom("gpu_graph_id"),
                    arena.allocateFrom(Integer.toString(number)));
            return made;
        } catch (RuntimeException | Error e) {
            runtime.release(OrtFunction.RELEASE_RUN_OPTIONS, made);
            throw e;
        }
    }

    /** What was bound to the name before no longer is; the tensor may be closed at once, its memory may not. */
    public void input(String name, OnnxTensor tensor) {
        bind(OrtFunction.BIND_INPUT, name, tensor);
    }

    /** The same for what a run writes. */
    public void output(String name, OnnxTensor tensor) {
        bind(OrtFunction.BIND_OUTPUT, name, tensor);
    }

    private void bind(OrtFunction function, String name, OnnxTensor tensor) {
        try (Arena arena = Arena.ofConfined()) {
            runtime.check(function, binding, arena.allocateFrom(name), tensor.value());
        }
    }

    /** Runs the session; when it returns, the outputs are written. */
    public void run() {
        long thread = Thread.currentThread().threadId();
        if (!there(recorded)) {
            session.device().together(() -> run(plain));
        } else if (recordedBy == thread) {
            session.device().together(() -> run(recorded));
        } else if (CudaDriver.aloneOrNot(() -> run(recorded))) {
            recordedBy = thread;
        } else {
            // Others are at work; it is recorded another time.
            session.device().together(() -> run(plain));
        }
    }

    private MemorySegment run(MemorySegment options) {
        runtime.check(OrtFunction.RUN_WITH_BINDING, session.pointer(), options, binding);
        return binding;
    }

    private static boolean there(MemorySegment object) {
        return object.address() != 0;
    }

    private void releaseOptions() {
        for (MemorySegment options : List.of(plain, recorded)) {
            if (there(options)) {
                runtime.release(OrtFunction.RELEASE_RUN_OPTIONS, options);
            }
        }
    }

    @Override
    public void close() {
        runtime.release(OrtFunction.RELEASE_IO_BINDING, binding);
        releaseOptions();
    }
}
