package dev.bellwether.standalone;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The file that a child process writes its output to; set aside as {@code NAME.1} at a start that finds it large. */
record LogFile(Path path) {
    private static final long SIZE_BYTES_MAX = 64L << 20;
    private static final int TAIL_BYTES_MAX = 4096;

    /** Makes the folder and sets a large file aside. */
    void prepare() {
        try {
            Path absolute = path.toAbsolutePath();
            Files.createDirectories(absolute.resolve("..").normalize());
            if (Files.exists(absolute) && Files.size(absolute) > SIZE_BYTES_MAX) {
                Files.move(
                        absolute,
                        absolute.resolveSibling(absolute.getFileName() + ".1"),
                        StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (IOException failure) {
            throw new UncheckedIOException("Cannot write the log " + path, failure);
        }
    }

    /** The last lines, at most 4 096 bytes of them. */
    String tail() {
        try (var file = new RandomAccessFile(path.toFile(), "r")) {
            long length = file.length();
            byte[] bytes = new byte[(int) Math.min(TAIL_BYTES_MAX, length)];
            file.seek(length - bytes.length);
            file.readFully(bytes);
            String text = new String(bytes, StandardCharsets.UTF_8);
            int line = bytes.length < length ? text.indexOf('\n') + 1 : 0;
            return text.substring(line).strip();
        } catch (IOException unreadable) {
            return "(no log: " + unreadable.getMessage() + ")";
        }
    }
}
