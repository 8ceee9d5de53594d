package dev.bellwether.policy.onnx;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

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
    private final MemorySegment options;
    private final boolean recorded;

    /** The thread whose runs are recorded by now: ONNX Runtime keeps what it recorded by threads. */
    private long recordedBy;

    OnnxBinding(OnnxSession session, int number) {
        this.session = session;
        this.binding = runtime.made(OrtFunction.CREATE_IO_BINDING, session.pointer());
        this.recorded = session.device().cuda() && number != ONCE;
        this.options = session.device().cuda() ? options(number) : MemorySegment.NULL;
    }

    private MemorySegment options(int number) {
        MemorySegment made = runtime.made(OrtFunction.CREATE_RUN_OPTIONS);
        try (Arena arena = Arena.ofConfined()) {
            runtime.check(
                    OrtFunction.ADD_RUN_CONFIG_ENTRY,
                    made,
                    arena.allocateFrom("gpu_graph_id"),
                    arena.allocateFrom(Integer.toString(number)));
        }
        return made;
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
        if (!session.device().cuda()) {
            runBound();
        } else if (recorded && recordedBy != thread) {
            CudaDriver.alone(this::runBound);
            recordedBy = thread;
        } else {
            CudaDriver.together(this::runBound);
        }
    }

    private MemorySegment runBound() {
        runtime.check(OrtFunction.RUN_WITH_BINDING, session.pointer(), options, binding);
        return binding;
    }

    @Override
    public void close() {
        runtime.release(OrtFunction.RELEASE_IO_BINDING, binding);
        if (options.address() != 0) {
            runtime.release(OrtFunction.RELEASE_RUN_OPTIONS, options);
        }
    }
}
