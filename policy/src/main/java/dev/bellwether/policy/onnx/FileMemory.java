package dev.bellwether.policy.onnx;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Memory for what is read once and then hardly ever: a file without a name behind it, so that its pages need not stay in
 * memory and come back where they are read after all.
 */
@SuppressWarnings("restricted")
public final class FileMemory implements AutoCloseable {
    private static final int DONT_NEED = 4;
    private static final int PIECE_BYTES = 1 << 20;

    /** Of the two folders for temporary files that which is not memory itself, where there are two. */
    private static final Path FOLDER = Stream.of(Path.of("/var/tmp"), Path.of(System.getProperty("java.io.tmpdir")))
            .filter(Files::isWritable)
            .findFirst()
            .orElse(Path.of(""));

    private static final MethodHandle MADVISE = Linker.nativeLinker()
            .downcallHandle(
                    Linker.nativeLinker().defaultLookup().findOrThrow("madvise"),
                    FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

    private final Arena arena = Arena.ofShared();
    private final List<MemorySegment> parts = new ArrayList<>();

    /** Of zeros, at the start of a page. */
    public MemorySegment allocate(long bytes) {
        try {
            Path file = Files.createTempFile(FOLDER, "bellwether", ".weights");
            try (FileChannel channel = FileChannel.open(
                    file, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE)) {
                fill(channel, bytes);
                MemorySegment part = channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
                parts.add(part);
                return part;
            }
        } catch (IOException e) {
            throw new UncheckedIOException("no file of %d bytes could be made for weights".formatted(bytes), e);
        }
    }

    /** Takes the disk's room now: where there is none, a page that is written later would end the process. */
    private static void fill(FileChannel channel, long bytes) throws IOException {
        ByteBuffer zeros = ByteBuffer.allocate((int) Math.min(PIECE_BYTES, bytes));
        for (long at = 0; at < bytes; at += zeros.capacity()) {
            zeros.clear().limit((int) Math.min(zeros.capacity(), bytes - at));
            while (zeros.hasRemaining()) {
                channel.write(zeros, at + zeros.position());
            }
        }
    }

    /** Lets go of the pages; what is still read comes back from the file. */
    public void release() {
        for (MemorySegment part : parts) {
            try {
                int _ = (int) MADVISE.invokeExact(part, part.byteSize(), DONT_NEED);
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** Unmaps all of it, and with that gives the file's space back. */
    @Override
    public void close() {
        arena.close();
    }
}
