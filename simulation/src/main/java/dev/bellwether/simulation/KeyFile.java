package dev.bellwether.simulation;

import dev.bellwether.simulation.file.TextFile;
import java.io.IOException;
import java.nio.file.Path;

/** A file that holds one key. */
record KeyFile(Path path) {
    String read() throws IOException {
        String key = new TextFile(path, "a file that holds a key").read().strip();
        if (key.isEmpty()) {
            throw new IOException("the key file %s is empty".formatted(path));
        }
        return key;
    }
}
