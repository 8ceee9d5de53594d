package dev.bellwether.trainer.dataset;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.event.WellFormed;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * Files of one JSON value a line. They take any text: half a character, which UTF-8 cannot hold, becomes U+FFFD. A file
 * is there whole or not at all.
 */
public final class JsonLines {
    private JsonLines() {}

    public static void write(Path file, ObjectMapper mapper, Iterable<?> values) throws IOException {
        Path unfinished = file.resolveSibling(file.getFileName() + ".unfinished");
        try (BufferedWriter writer = Files.newBufferedWriter(unfinished)) {
            for (Object value : values) {
                writer.write(WellFormed.text(mapper.writeValueAsString(value)));
                writer.newLine();
            }
        }
        Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
