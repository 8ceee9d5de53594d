package dev.bellwether.policy.onnx;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Numbers in memory with their type and shape. */
public final class OnnxTensor implements AutoCloseable {
    private final OnnxRuntime runtime = OnnxRuntime.get();
    private final MemorySegment value;
    private final MemorySegment memory;

    private OnnxTensor(MemorySegment value, MemorySegment memory) {
        this.value = value;
        this.memory = memory;
    }

    /** {@link #over(OnnxDevice, MemorySegment, ElementType, long...)} of the host's memory. */
    public static OnnxTensor over(MemorySegment memory, ElementType type, long... shape) {
        return over(OnnxDevice.CPU, memory, type, shape);
    }

    /** {@code memory} as a tensor; its size is that of the shape, and it must outlive whatever the tensor is bound to. */
    public static OnnxTensor over(OnnxDevice device, MemorySegment memory, ElementType type, long... shape) {
        if (memory.byteSize() != bytes(type, shape)) {
            throw new IllegalArgumentException(
                    "%d bytes for a tensor of %d".formatted(memory.byteSize(), bytes(type, shape)));
        }
        OnnxRuntime runtime = OnnxRuntime.get();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = runtime.made(
                    OrtFunction.CREATE_TENSOR_WITH_DATA_AS_ORT_VALUE,
                    runtime.memoryOf(device),
                    memory,
                    memory.byteSize(),
                    arena.allocateFrom(JAVA_LONG, shape),
                    (long) shape.length,
                    type.code());
            return new OnnxTensor(value, memory);
        }
    }

    /** The first bytes of {@code memory}, as many as the shape wants, as a tensor. */
    public static OnnxTensor first(OnnxDevice device, MemorySegment memory, ElementType type, long... shape) {
        return over(device, memory.asSlice(0, bytes(type, shape)), type, shape);
    }

    private static long bytes(ElementType type, long[] shape) {
        long bytes = type.bytes();
        for (long dimension : shape) {
            bytes = Math.multiplyExact(bytes, dimension);
        }
        return bytes;
    }

    /** The numbers, row-major. */
    public MemorySegment memory() {
        return memory;
    }

    MemorySegment value() {
        return value;
    }

    @Override
    public void close() {
        runtime.release(OrtFunction.RELEASE_VALUE, value);
    }
}
