package dev.bellwether.standalone;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** A small text file of which a reader, also after a crash, sees all or nothing; readable by its owner only. */
record WholeFile(Path path) {
    void write(String text) {
        try {
            Path folder = path.toAbsolutePath().resolve("..").normalize();
            Files.createDirectories(folder);
            // Temporary files are made readable by their owner only.
            Path temporary = Files.createTempFile(folder, "." + path.getFileName(), ".tmp");
            try (var channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
                var bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException failure) {
            throw new UncheckedIOException("Cannot write " + path, failure);
        }
    }

    String read() {
        try {
            return Files.readString(path);
        } catch (IOException failure) {
            throw new UncheckedIOException("Cannot read " + path, failure);
        }
    }
}
