package dev.bellwether.policy.onnx;

import java.lang.foreign.MemorySegment;

/** Memory of the device that computes; what it has given goes back when it is closed. */
public sealed interface TensorMemory extends AutoCloseable permits NativeMemory, CudaMemory {
    /**
     * Zeros. The segment of a GPU says where they are and is touched by this memory's methods alone.
     *
     * @throws OutOfMemoryError where there is no room
     */
    MemorySegment allocate(long bytes);

    /** Where the host writes what is to come to {@code here}: the same place, where the host computes. */
    MemorySegment staged(MemorySegment here);

    /** Memory of the host into which is read. */
    MemorySegment host(long bytes);

    /** Brings the first bytes of what was staged for {@code here} there. */
    void bring(MemorySegment staged, MemorySegment here, long bytes);

    /** Reads {@code here} into memory of the host, as many bytes as that has. */
    void read(MemorySegment here, MemorySegment host);

    /** Copies the first {@code bytes} of each of {@code rows} rows that lie {@code pitch} bytes apart. */
    void copyRows(MemorySegment from, MemorySegment to, long bytes, int rows, long pitch);

    /** Waits until what was copied is there. */
    void settle();

    @Override
    void close();
}
