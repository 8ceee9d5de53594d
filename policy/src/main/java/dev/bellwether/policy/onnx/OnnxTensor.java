package dev.bellwether.policy.onnx;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Numbers in the caller's memory, which must outlive it, with their shape. */
public final class OnnxTensor implements AutoCloseable {
    private final OnnxRuntime runtime = OnnxRuntime.get();
    private final MemorySegment value;

    private OnnxTensor(MemorySegment memory, ElementType type, long[] shape) {
        try (Arena arena = Arena.ofConfined()) {
            this.value = runtime.made(
                    OrtFunction.CREATE_TENSOR_WITH_DATA_AS_ORT_VALUE,
                    runtime.processorMemory(),
                    memory,
                    memory.byteSize(),
                    arena.allocateFrom(JAVA_LONG, shape),
                    (long) shape.length,
                    type.code());
        }
    }

    /** {@code memory} as a tensor; its size is that of the shape. */
    public static OnnxTensor over(MemorySegment memory, ElementType type, long... shape) {
        long size = type.bytes();
        for (long dimension : shape) {
            size = Math.multiplyExact(size, dimension);
        }
        if (memory.byteSize() != size) {
            throw new IllegalArgumentException("%d bytes for a tensor of %d".formatted(memory.byteSize(), size));
        }
        return new OnnxTensor(memory, type, shape);
    }

    MemorySegment value() {
        return value;
    }

    @Override
    public void close() {
        runtime.release(OrtFunction.RELEASE_VALUE, value);
    }
}
