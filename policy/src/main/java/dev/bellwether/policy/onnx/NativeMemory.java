package dev.bellwether.policy.onnx;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * Memory beside the JVM's limits that reads as zeros and is not the machine's before it is written: {@code mmap}.
 * {@link Arena#allocate} would write the zeros at once, and so does {@code calloc} where it has used the memory before.
 */
@SuppressWarnings("restricted")
public final class NativeMemory implements TensorMemory {
    private static final int READ_AND_WRITE = 3;
    private static final int PRIVATE = 2;
    private static final int ANONYMOUS_LINUX = 0x20;
    private static final int ANONYMOUS_MAC = 0x1000;
    private static final long FAILED = -1;

    private static final MethodHandle MMAP = function(
            "mmap", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle MUNMAP = function("munmap", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));

    private static final Optional<MethodHandle> TRIM = Linker.nativeLinker()
            .defaultLookup()
            .find("malloc_trim")
            .map(pointer -> Linker.nativeLinker().downcallHandle(pointer, FunctionDescriptor.of(JAVA_INT, JAVA_LONG)));

    private final Arena arena = Arena.ofShared();

    private static MethodHandle function(String name, FunctionDescriptor descriptor) {
        SymbolLookup library = Linker.nativeLinker().defaultLookup();
        return Linker.nativeLinker().downcallHandle(library.findOrThrow(name), descriptor);
    }

    /**
     * At the start of a page.
     *
     * @throws OutOfMemoryError where the machine does not give it
     */
    @Override
    public MemorySegment allocate(long bytes) {
        int flags = PRIVATE | (OnnxRuntime.mac() ? ANONYMOUS_MAC : ANONYMOUS_LINUX);
        long length = Math.max(1, bytes);
        try {
            MemorySegment memory =
                    (MemorySegment) MMAP.invokeExact(MemorySegment.NULL, length, READ_AND_WRITE, flags, -1, 0L);
            if (memory.address() == FAILED) {
                throw new OutOfMemoryError("the machine has no %d bytes left".formatted(bytes));
            }
            return memory.reinterpret(length, arena, NativeMemory::unmap).asSlice(0, bytes);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public MemorySegment staged(MemorySegment here) {
        return here;
    }

    @Override
    public MemorySegment host(long bytes) {
        return allocate(bytes);
    }

    @Override
    public void bring(MemorySegment staged, MemorySegment here, long bytes) {}

    @Override
    public void read(MemorySegment here, MemorySegment host) {
        host.copyFrom(here.asSlice(0, host.byteSize()));
    }

    @Override
    public void copyRows(MemorySegment from, MemorySegment to, long bytes, int rows, long pitch) {
        for (int row = 0; row < rows; row++) {
            MemorySegment.copy(from, row * pitch, to, row * pitch, bytes);
        }
    }

    @Override
    public void settle() {}

    /** Gives back to the machine what native libraries have freed, where the C library keeps it otherwise (glibc). */
    public static void trim() {
        if (TRIM.isPresent()) {
            try {
                int _ = (int) TRIM.get().invokeExact(0L);
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static void unmap(MemorySegment memory) {
        try {
            int _ = (int) MUNMAP.invokeExact(memory, memory.byteSize());
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
