package dev.bellwether.policy.onnx;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/**
 * Memory beside the JVM's limits that reads as zeros and is not the machine's before it is written: {@code calloc}.
 * {@link Arena#allocate} would write the zeros at once.
 */
public final class NativeMemory implements AutoCloseable {
    private static final long ALIGNMENT_BYTES = 64;
    private static final MethodHandle CALLOC = function("calloc", FunctionDescriptor.of(ADDRESS, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle FREE = function("free", FunctionDescriptor.ofVoid(ADDRESS));

    private final Arena arena = Arena.ofShared();

    private static MethodHandle function(String name, FunctionDescriptor descriptor) {
        SymbolLookup library = Linker.nativeLinker().defaultLookup();
        return Linker.nativeLinker().downcallHandle(library.findOrThrow(name), descriptor);
    }

    /**
     * @throws OutOfMemoryError where the machine does not give it
     */
    public MemorySegment allocate(long bytes) {
        try {
            MemorySegment memory = (MemorySegment) CALLOC.invokeExact(1L, bytes + ALIGNMENT_BYTES);
            if (memory.address() == 0) {
                throw new OutOfMemoryError("the machine has no %d bytes left".formatted(bytes));
            }
            long padding = Math.floorMod(-memory.address(), ALIGNMENT_BYTES);
            return memory.reinterpret(bytes + ALIGNMENT_BYTES, arena, NativeMemory::free)
                    .asSlice(padding, bytes);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    private static void free(MemorySegment memory) {
        try {
            FREE.invokeExact(memory);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** Gives all of it back. */
    @Override
    public void close() {
        arena.close();
    }
}
