package dev.bellwether.policy.onnx;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/**
 * NVIDIA's driver: which GPUs there are, and memory on them. What is copied to or from the host is there when a call returns,
 * what is copied on a GPU after {@link #synchronize}.
 *
 * @see <a href="https://docs.nvidia.com/cuda/cuda-driver-api/">CUDA driver API</a>
 */
@SuppressWarnings("restricted")
public final class CudaDriver {
    private static final String LIBRARY = "libcuda.so.1";
    private static final int DEVICE_MEMORY = 2;
    private static final int NAME_BYTES = 256;
    private static final int OUT_OF_MEMORY = 2;

    /** Of {@code CUDA_MEMCPY2D}: sixteen words, of which some are not used here. */
    private static final long COPY_BYTES = 16 * Long.BYTES;

    /** While a GPU's work is recorded, no other thread may ask it for anything. */
    private static final ReadWriteLock RECORDING = new ReentrantReadWriteLock();

    private final Map<String, MethodHandle> functions = new ConcurrentHashMap<>();
    private final SymbolLookup library;
    private final int devices;

    private CudaDriver(SymbolLookup library) {
        this.library = library;
        check("cuInit", JAVA_INT, 0);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocate(JAVA_INT);
            check("cuDeviceGetCount", ADDRESS, count);
            devices = count.get(JAVA_INT, 0);
        }
    }

    /** The driver, or why there is none. */
    private record Found(Optional<CudaDriver> driver, String missing) {
        private static final Found ONCE = find();

        private static Found find() {
            try {
                return new Found(Optional.of(new CudaDriver(SymbolLookup.libraryLookup(LIBRARY, Arena.global()))), "");
            } catch (IllegalArgumentException e) {
                return new Found(Optional.empty(), "%s does not load".formatted(LIBRARY));
            } catch (IllegalStateException e) {
                return new Found(
                        Optional.empty(), "%s loads, but %s".formatted(LIBRARY, String.valueOf(e.getMessage())));
            }
        }
    }

    /** The driver; none where there is none, or no GPU answers it. */
    public static Optional<CudaDriver> get() {
        return Found.ONCE.driver();
    }

    /** Why there is none. */
    public static String missing() {
        return Found.ONCE.missing();
    }

    /** What may go on beside others of its kind, but not while {@link #aloneOrNot} work does. */
    static <T> T together(Supplier<T> work) {
        RECORDING.readLock().lock();
        try {
            return work.get();
        } finally {
            RECORDING.readLock().unlock();
        }
    }

    /** Does what no other work may go on beside, if there is none; nobody waits for it. */
    static boolean aloneOrNot(Runnable work) {
        if (!RECORDING.writeLock().tryLock()) {
            return false;
        }
        try {
            work.run();
            return true;
        } finally {
            RECORDING.writeLock().unlock();
        }
    }

    /** How many GPUs there are. */
    public int devices() {
        return devices;
    }

    /** For example NVIDIA H100 80GB HBM3. */
    public String name(int device) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocate(NAME_BYTES);
            check("cuDeviceGetName", new MemoryLayout[] {ADDRESS, JAVA_INT, JAVA_INT}, name, NAME_BYTES, device);
            return name.getString(0);
        }
    }

    /** Memory of a GPU, used or not. */
    public long memoryBytes(int device) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(JAVA_LONG);
            check("cuDeviceTotalMem_v2", new MemoryLayout[] {ADDRESS, JAVA_INT}, bytes, device);
            return bytes.get(JAVA_LONG, 0);
        }
    }

    /** The context that all libraries of the process share; kept until the process ends. */
    MemorySegment context(int device) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment context = arena.allocate(ADDRESS);
            check("cuDevicePrimaryCtxRetain", new MemoryLayout[] {ADDRESS, JAVA_INT}, context, device);
            return context.get(ADDRESS, 0);
        }
    }

    /** What the calling thread's next calls are about. */
    void use(MemorySegment context) {
        check("cuCtxSetCurrent", ADDRESS, context);
    }

    /**
     * Memory of the GPU, of zeros; it is written and read by this class alone.
     *
     * @throws OutOfMemoryError where the GPU does not have it
     */
    MemorySegment allocate(long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pointer = arena.allocate(JAVA_LONG);
            check("cuMemAlloc_v2", new MemoryLayout[] {ADDRESS, JAVA_LONG}, pointer, bytes);
            long address = pointer.get(JAVA_LONG, 0);
            check("cuMemsetD8_v2", new MemoryLayout[] {JAVA_LONG, JAVA_BYTE, JAVA_LONG}, address, (byte) 0, bytes);
            synchronize();
            return MemorySegment.ofAddress(address).reinterpret(bytes);
        }
    }

    void free(MemorySegment memory) {
        check("cuMemFree_v2", JAVA_LONG, memory.address());
    }

    /** Memory of the host that the GPU reads and writes without a detour. */
    MemorySegment allocateHost(long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pointer = arena.allocate(ADDRESS);
            check("cuMemAllocHost_v2", new MemoryLayout[] {ADDRESS, JAVA_LONG}, pointer, bytes);
            return pointer.get(ADDRESS, 0).reinterpret(bytes);
        }
    }

    void freeHost(MemorySegment memory) {
        check("cuMemFreeHost", ADDRESS, memory);
    }

    void toDevice(MemorySegment host, MemorySegment device) {
        check(
                "cuMemcpyHtoD_v2",
                new MemoryLayout[] {JAVA_LONG, ADDRESS, JAVA_LONG},
                device.address(),
                host,
                host.byteSize());
        synchronize();
    }

    void toHost(MemorySegment device, MemorySegment host) {
        check(
                "cuMemcpyDtoH_v2",
                new MemoryLayout[] {ADDRESS, JAVA_LONG, JAVA_LONG},
                host,
                device.address(),
                host.byteSize());
    }

    /** Copies the first {@code bytes} of each of {@code rows} rows that lie {@code pitch} bytes apart, on the GPU. */
    void copyRows(MemorySegment from, MemorySegment to, long bytes, long rows, long pitch) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment copy = arena.allocate(COPY_BYTES, Long.BYTES);
            long[] words = {
                0,
                0,
                DEVICE_MEMORY,
                0,
                from.address(),
                0,
                pitch,
                0,
                0,
                DEVICE_MEMORY,
                0,
                to.address(),
                0,
                pitch,
                bytes,
                rows
            };
            for (int i = 0; i < words.length; i++) {
                copy.setAtIndex(JAVA_LONG, i, words[i]);
            }
            check("cuMemcpy2DUnaligned_v2", ADDRESS, copy);
        }
    }

    /** Copies on the GPU. */
    void copy(MemorySegment from, MemorySegment to, long bytes) {
        check(
                "cuMemcpyDtoD_v2",
                new MemoryLayout[] {JAVA_LONG, JAVA_LONG, JAVA_LONG},
                to.address(),
                from.address(),
                bytes);
    }

    /** Waits for what was copied. */
    void synchronize() {
        check("cuStreamSynchronize", ADDRESS, MemorySegment.NULL);
    }

    private void check(String function, MemoryLayout argument, Object value) {
        check(function, new MemoryLayout[] {argument}, value);
    }

    private void check(String function, MemoryLayout[] layouts, Object... arguments) {
        MethodHandle handle = functions.computeIfAbsent(
                function,
                name -> NativeCall.handle(library.findOrThrow(name), FunctionDescriptor.of(JAVA_INT, layouts)));
        int status = together(() -> (int) NativeCall.invoke(handle, arguments));
        if (status == OUT_OF_MEMORY) {
            throw new OutOfMemoryError("the GPU has no room left: %s".formatted(function));
        }
        if (status != 0) {
            throw new IllegalStateException("%s failed with %d".formatted(function, status));
        }
    }
}
