package dev.bellwether.simulation;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file that holds one key. */
record KeyFile(Path path) {
    String read() throws IOException {
        if (!Files.isReadable(path)) {
            throw new IOException("the key file %s cannot be read".formatted(path));
        }
        String key = Files.readString(path).strip();
        if (key.isEmpty()) {
            throw new IOException("the key file %s is empty".formatted(path));
        }
        return key;
    }
}
