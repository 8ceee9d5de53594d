package dev.bellwether.policy.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A file of named tensors: eight bytes with the header's length, a JSON header, then the numbers.
 *
 * <p>The header is checked before anything is read: its length, that every tensor lies inside the file, that its
 * extent matches its shape, and that no two overlap.
 *
 * @see <a href="https://github.com/huggingface/safetensors">the format</a>
 */
public final class Safetensors {
    /** The format's own limit. */
    private static final long HEADER_BYTES_MAX = 100_000_000;

    /** Bytes of a number by the format's name of its type. */
    private static final Map<String, Integer> TYPES = Map.ofEntries(
            Map.entry("F64", 8),
            Map.entry("F32", 4),
            Map.entry("F16", 2),
            Map.entry("BF16", 2),
            Map.entry("I64", 8),
            Map.entry("I32", 4),
            Map.entry("I16", 2),
            Map.entry("I8", 1),
            Map.entry("U64", 8),
            Map.entry("U32", 4),
            Map.entry("U16", 2),
            Map.entry("U8", 1),
            Map.entry("BOOL", 1));

    /** Numbers looked at in one go. */
    private static final int PIECE_BYTES = 1 << 20;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path file;
    private final Map<String, Entry> entries;

    private Safetensors(Path file, Map<String, Entry> entries) {
        this.file = file;
        this.entries = entries;
    }

    /**
     * One tensor of the file.
     *
     * @param type the format's name for the type of the numbers
     * @param offset first byte, counted from the start of the file
     * @param length number of bytes
     */
    public record Entry(String name, String type, List<Long> dimensions, long offset, long length) {
        public NumberFormat format() {
            return NumberFormat.valueOf(type);
        }

        /** Refuses a tensor whose numbers a model cannot have; one that no model asks for may have any. */
        void requireFormat() {
            if (Arrays.stream(NumberFormat.values())
                    .noneMatch(format -> format.name().equals(type))) {
                throw new UnsupportedCheckpointException("tensor %s has the unsupported type %s".formatted(name, type));
            }
        }
    }

    /** Opens a file and checks its header. */
    public static Safetensors open(Path file) {
        try (FileChannel channel = FileChannel.open(file)) {
            return new Safetensors(file, readHeader(file, channel));
        } catch (IOException e) {
            throw UnsupportedCheckpointException.unreadable(file, e);
        }
    }

    private static Map<String, Entry> readHeader(Path file, FileChannel channel) throws IOException {
        ByteBuffer prefix = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        readFully(channel, prefix, 0);
        long length = prefix.getLong(0);
        if (length < 2 || length > HEADER_BYTES_MAX || length > channel.size() - 8) {
            throw broken(file, "header of %d bytes in a file of %d".formatted(length, channel.size()));
        }
        ByteBuffer header = ByteBuffer.allocate((int) length);
        readFully(channel, header, 8);
        JsonNode json = JSON.readTree(header.array());
        if (!json.isObject()) {
            throw broken(file, "the header is not a JSON object");
        }
        Map<String, Entry> entries = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> field : json.properties()) {
            if (!field.getKey().equals("__metadata__")) {
                Entry entry = entry(file, field.getKey(), field.getValue(), 8 + length, channel.size());
                entries.put(entry.name(), entry);
            }
        }
        refuseOverlap(file, entries);
        return entries;
    }

    private static Entry entry(Path file, String name, JsonNode json, long base, long fileSize) {
        String type = json.path("dtype").asText();
        Integer bytes = TYPES.get(type);
        if (bytes == null) {
            throw broken(file, "tensor %s has the unsupported type %s".formatted(name, json.path("dtype")));
        }
        List<Long> dimensions = dimensions(file, name, json.path("shape"));
        long begin = json.path("data_offsets").path(0).asLong(-1);
        long end = json.path("data_offsets").path(1).asLong(-1);
        if (begin < 0 || end < begin || end > fileSize - base) {
            throw broken(file, "tensor %s lies outside the file: %d to %d".formatted(name, begin, end));
        }
        long expected = bytes(file, new TensorShape(name, dimensions), bytes);
        if (end - begin != expected) {
            throw broken(
                    file,
                    "tensor %s has %d bytes, its shape %s wants %d".formatted(name, end - begin, dimensions, expected));
        }
        return new Entry(name, type, List.copyOf(dimensions), base + begin, end - begin);
    }

    private static List<Long> dimensions(Path file, String name, JsonNode shape) {
        List<Long> dimensions = new ArrayList<>();
        for (JsonNode dimension : shape) {
            if (!dimension.isIntegralNumber() || !dimension.canConvertToLong() || dimension.longValue() < 0) {
                throw broken(file, "tensor %s has the dimension %s".formatted(name, dimension));
            }
            dimensions.add(dimension.longValue());
        }
        return dimensions;
    }

    private static long bytes(Path file, TensorShape shape, int ofOne) {
        try {
            return Math.multiplyExact(shape.size(), ofOne);
        } catch (ArithmeticException e) {
            throw broken(
                    file,
                    "tensor %s has the shape %s, which nothing holds".formatted(shape.name(), shape.dimensions()));
        }
    }

    private static void refuseOverlap(Path file, Map<String, Entry> entries) {
        List<Entry> sorted = entries.values().stream()
                .sorted(Comparator.comparingLong(Entry::offset))
                .toList();
        for (int i = 1; i < sorted.size(); i++) {
            Entry before = sorted.get(i - 1);
            if (before.offset() + before.length() > sorted.get(i).offset()) {
                throw broken(
                        file,
                        "tensors %s and %s overlap"
                                .formatted(before.name(), sorted.get(i).name()));
            }
        }
    }

    private static UnsupportedCheckpointException broken(Path file, String what) {
        return new UnsupportedCheckpointException("%s: %s".formatted(file.getFileName(), what));
    }

    public Path file() {
        return file;
    }

    public Map<String, Entry> entries() {
        return entries;
    }

    /** The numbers of a tensor, as float32, in row-major order. */
    public float[] read(String name) {
        Entry entry = Optional.ofNullable(entries.get(name))
                .orElseThrow(() -> broken(file, "tensor %s is missing".formatted(name)));
        return read(entry, 0, Math.toIntExact(entry.length() / entry.format().bytes()));
    }

    /** Whether all numbers of a tensor are finite. */
    boolean finite(Entry entry) {
        try (FileChannel channel = FileChannel.open(file)) {
            ByteBuffer piece = ByteBuffer.allocate((int) Math.min(PIECE_BYTES, entry.length()))
                    .order(ByteOrder.LITTLE_ENDIAN);
            for (long at = 0; at < entry.length(); at += PIECE_BYTES) {
                piece.clear().limit((int) Math.min(PIECE_BYTES, entry.length() - at));
                readFully(channel, piece, entry.offset() + at);
                piece.flip();
                if (!entry.format().finite(piece)) {
                    return false;
                }
            }
            return true;
        } catch (IOException e) {
            throw UnsupportedCheckpointException.unreadable(file, e);
        }
    }

    /** Whether two tensors hold the same numbers in the same order, whatever their formats. */
    boolean sameNumbers(Entry mine, Safetensors others, Entry theirs) {
        long count = mine.length() / mine.format().bytes();
        if (count != theirs.length() / theirs.format().bytes()) {
            return false;
        }
        int pieceNumbers = PIECE_BYTES / Float.BYTES;
        for (long at = 0; at < count; at += pieceNumbers) {
            int size = (int) Math.min(pieceNumbers, count - at);
            if (!Arrays.equals(read(mine, at, size), others.read(theirs, at, size))) {
                return false;
            }
        }
        return true;
    }

    /** {@code size} numbers of a tensor from the one at {@code from} on, as float32. */
    public float[] read(Entry entry, long from, int size) {
        int bytes = entry.format().bytes();
        ByteBuffer buffer = ByteBuffer.allocate(Math.multiplyExact(size, bytes)).order(ByteOrder.LITTLE_ENDIAN);
        try (FileChannel channel = FileChannel.open(file)) {
            readFully(channel, buffer, entry.offset() + from * bytes);
        } catch (IOException e) {
            throw UnsupportedCheckpointException.unreadable(file, e);
        }
        buffer.flip();
        float[] numbers = new float[size];
        for (int i = 0; i < size; i++) {
            numbers[i] = entry.format().read(buffer);
        }
        return numbers;
    }

    /** Where a tensor's numbers come from when a file is written. */
    public interface Numbers {
        /** Writes all numbers of {@code tensor} in the file's format, in row-major order, low byte first. */
        void write(TensorShape tensor, WritableByteChannel file) throws IOException;
    }

    /** Writes a file of {@code shapes} in their order and forces it to disk. */
    public static void write(Path file, List<TensorShape> shapes, NumberFormat format, Numbers numbers)
            throws IOException {
        ObjectNode header = JSON.createObjectNode();
        header.putObject("__metadata__").put("format", "pt");
        long offset = 0;
        for (TensorShape shape : shapes) {
            ObjectNode entry = header.putObject(shape.name()).put("dtype", format.name());
            shape.dimensions().forEach(entry.withArray("shape")::add);
            long end = offset + shape.size() * format.bytes();
            entry.putArray("data_offsets").add(offset).add(end);
            offset = end;
        }
        String json = JSON.writeValueAsString(header);
        byte[] padded = (json + " ".repeat((8 - json.length() % 8) % 8)).getBytes(StandardCharsets.UTF_8);
        ByteBuffer start = ByteBuffer.allocate(8 + padded.length).order(ByteOrder.LITTLE_ENDIAN);
        start.putLong(padded.length).put(padded).flip();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            writeFully(channel, start);
            for (TensorShape shape : shapes) {
                long before = channel.position();
                numbers.write(shape, channel);
                long written = channel.position() - before;
                if (written != shape.size() * format.bytes()) {
                    throw new IllegalArgumentException("%d bytes for tensor %s of %d"
                            .formatted(written, shape.name(), shape.size() * format.bytes()));
                }
            }
            channel.force(true);
        }
    }

    /** The same of tensors that lie one after the other in {@code flat}. */
    public static void write(Path file, List<TensorShape> shapes, float[] flat, NumberFormat format)
            throws IOException {
        long wanted = shapes.stream().mapToLong(TensorShape::size).sum();
        if (wanted != flat.length) {
            throw new IllegalArgumentException("%d numbers for tensors of %d".formatted(flat.length, wanted));
        }
        int[] from = {0};
        write(file, shapes, format, (shape, channel) -> {
            ByteBuffer buffer = ByteBuffer.allocate(Math.toIntExact(shape.size() * format.bytes()))
                    .order(ByteOrder.LITTLE_ENDIAN);
            for (int end = from[0] + (int) shape.size(); from[0] < end; from[0]++) {
                format.write(buffer, flat[from[0]]);
            }
            writeFully(channel, buffer.flip());
        });
    }

    private static void writeFully(WritableByteChannel channel, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    private static void readFully(FileChannel channel, ByteBuffer buffer, long position) throws IOException {
        long at = position;
        while (buffer.hasRemaining()) {
            int count = channel.read(buffer, at);
            if (count < 0) {
                throw new IOException("the file ends at byte %d".formatted(at));
            }
            at += count;
        }
    }
}
