package dev.bellwether.policy.onnx;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Where a session's inputs and outputs lie. It is used for one run after another: between them the numbers change, not
 * the tensors.
 */
public final class OnnxBinding implements AutoCloseable {
    private final OnnxRuntime runtime = OnnxRuntime.get();
    private final OnnxSession session;
    private final MemorySegment binding;

    OnnxBinding(OnnxSession session) {
        this.session = session;
        this.binding = runtime.made(OrtFunction.CREATE_IO_BINDING, session.pointer());
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
        runtime.check(OrtFunction.RUN_WITH_BINDING, session.pointer(), MemorySegment.NULL, binding);
    }

    @Override
    public void close() {
        runtime.release(OrtFunction.RELEASE_IO_BINDING, binding);
    }
}
