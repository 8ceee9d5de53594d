package dev.bellwether.trainer.metrics;

import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * Scalars in a TensorBoard event file: records of length, masked checksum and an {@code Event} message.
 *
 * @see <a href="https://www.tensorflow.org/tutorials/load_data/tfrecord">the record format</a>
 */
public final class TensorBoard implements AutoCloseable {
    private final OutputStream out;
    private final Clock clock;

    /** Opens a new event file in {@code directory}. */
    public TensorBoard(Path directory, Clock clock) throws IOException {
        Files.createDirectories(directory);
        this.clock = clock;
        String name = "events.out.tfevents.%d.bellwether".formatted(clock.millis());
        this.out = Files.newOutputStream(directory.resolve(name), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        write(event(encoder -> encoder.writeString(3, "brain.Event:2"), 0));
    }

    private interface Field {
        void write(CodedOutputStream encoder) throws IOException;
    }

    /** Writes one point of each curve. */
    public void scalars(long step, Map<String, Double> values) throws IOException {
        for (Map.Entry<String, Double> value : values.entrySet()) {
            byte[] point = message(encoder -> {
                encoder.writeString(1, value.getKey());
                encoder.writeFloat(2, value.getValue().floatValue());
            });
            byte[] summary = message(encoder -> encoder.writeByteArray(1, point));
            write(event(encoder -> encoder.writeByteArray(5, summary), step));
        }
        out.flush();
    }

    private byte[] event(Field content, long step) throws IOException {
        return message(encoder -> {
            encoder.writeDouble(1, clock.millis() / 1e3);
            encoder.writeInt64(2, step);
            content.write(encoder);
        });
    }

    private static byte[] message(Field content) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        CodedOutputStream encoder = CodedOutputStream.newInstance(bytes);
        content.write(encoder);
        encoder.flush();
        return bytes.toByteArray();
    }

    private void write(byte[] event) throws IOException {
        byte[] length = ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(event.length)
                .array();
        out.write(length);
        out.write(checksum(length));
        out.write(event);
        out.write(checksum(event));
    }

    /** The format's masked CRC-32C. */
    static byte[] checksum(byte[] data) {
        CRC32C crc = new CRC32C();
        crc.update(data);
        int value = (int) crc.getValue();
        int masked = (value >>> 15 | value << 17) + 0xa282ead8;
        return ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(masked)
                .array();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
