package dev.bellwether.trainer.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorBoardTest {
    @TempDir
    private Path directory = Path.of("");

    @Test
    void masksChecksumsAsTheFormatAsks() {
        // The check value of CRC-32C, rotated right by 15, plus the mask.
        byte[] checksum = TensorBoard.checksum("123456789".getBytes(StandardCharsets.UTF_8));
        int crc = 0xe3069283;
        int expected = (crc >>> 15 | crc << 17) + 0xa282ead8;
        assertThat(ByteBuffer.wrap(checksum).order(ByteOrder.LITTLE_ENDIAN).getInt())
                .isEqualTo(expected);
    }

    @Test
    void writesWholeRecords() throws IOException {
        Clock clock = Clock.fixed(Instant.ofEpochSecond(1), ZoneOffset.UTC);
        try (TensorBoard board = new TensorBoard(directory, clock)) {
            board.scalars(3, Map.of("objective/kl", 1.5));
        }
        Path file;
        try (var files = Files.list(directory)) {
            file = files.findFirst().orElseThrow();
        }
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        int records = 0;
        while (bytes.hasRemaining()) {
            int length = Math.toIntExact(bytes.getLong());
            bytes.position(bytes.position() + 4 + length + 4);
            records++;
        }
        assertThat(records).isEqualTo(2);
    }
}
