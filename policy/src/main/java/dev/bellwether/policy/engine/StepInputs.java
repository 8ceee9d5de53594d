package dev.bellwether.policy.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.bellwether.policy.onnx.ElementType;
import dev.bellwether.policy.onnx.OnnxBinding;
import dev.bellwether.policy.onnx.OnnxDevice;
import dev.bellwether.policy.onnx.OnnxTensor;
import dev.bellwether.policy.onnx.TensorMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What a language model reads in one call, in one piece of memory, so that it goes to a GPU in one copy: tokens last. */
final class StepInputs {
    private static final long ALIGNMENT = 256;

    private final OnnxDevice device;
    private final TensorMemory memory;
    private final long lengthsAt;
    private final long temperaturesAt;
    private final long idsAt;

    /** Where it is read, and where it is written before. */
    private final MemorySegment there;

    private final MemorySegment here;

    /** The one number that the processor reads, wherever all else is computed. */
    private final MemorySegment total;

    StepInputs(OnnxDevice device, TensorMemory memory, int slots, int positions) {
        this.device = device;
        this.memory = memory;
        lengthsAt = aligned((long) slots * Long.BYTES);
        temperaturesAt = lengthsAt + aligned((long) slots * Integer.BYTES);
        idsAt = temperaturesAt + aligned((long) slots * Float.BYTES);
        there = memory.allocate(idsAt + (long) slots * positions * Long.BYTES);
        here = memory.staged(there);
        total = Arena.ofAuto().allocate(JAVA_INT);
    }

    private static long aligned(long bytes) {
        return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    }

    void id(long at, int token) {
        here.set(JAVA_LONG, idsAt + at * Long.BYTES, token);
    }

    void row(int row, int lastState, int tokensLessOne) {
        here.setAtIndex(JAVA_LONG, row, lastState);
        here.set(JAVA_INT, lengthsAt + (long) row * Integer.BYTES, tokensLessOne);
    }

    void temper(int row, float inverseTemperature) {
        here.set(JAVA_FLOAT, temperaturesAt + (long) row * Float.BYTES, inverseTemperature);
    }

    void bind(OnnxBinding binding, int rows, int length) {
        input(binding, "ids", device, there.asSlice(idsAt), ElementType.INT64, rows, length);
        input(binding, "last", device, there, ElementType.INT64, rows, 1);
        input(binding, "lengths", device, there.asSlice(lengthsAt), ElementType.INT32, rows);
        input(binding, "inverse_temperature", device, there.asSlice(temperaturesAt), ElementType.FLOAT32, rows, 1);
        input(binding, "total", OnnxDevice.CPU, total, ElementType.INT32);
    }

    private static void input(
            OnnxBinding binding, String name, OnnxDevice device, MemorySegment from, ElementType type, long... shape) {
        try (OnnxTensor tensor = OnnxTensor.first(device, from, type, shape)) {
            binding.input(name, tensor);
        }
    }

    /** Brings what was written to where it is read: all rows, and the first {@code tokens} tokens. */
    void bring(int tokens, int longest) {
        total.set(JAVA_INT, 0, longest);
        memory.bring(here, there, idsAt + (long) tokens * Long.BYTES);
    }
}
