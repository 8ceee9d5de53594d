package dev.bellwether.standalone;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A port kept in a file, so that a program that starts again on its folder listens where it did. */
record RememberedPort(Path file) {
    /** The port in the file if there is one and it is free; otherwise another free one, remembered from now on. */
    int orFree() {
        try {
            if (Files.exists(file)) {
                int remembered = Integer.parseInt(Files.readString(file).strip());
                if (Ports.isFree(remembered)) {
                    return remembered;
                }
            }
        } catch (IOException failure) {
            throw new UncheckedIOException("Cannot read the port in " + file, failure);
        } catch (NumberFormatException damaged) {
            // A port that cannot be read is chosen anew.
        }
        return set(Ports.free());
    }

    int set(int port) {
        try {
            Files.createDirectories(file.toAbsolutePath().resolve("..").normalize());
            Files.writeString(file, port + "\n");
            return port;
        } catch (IOException failure) {
            throw new UncheckedIOException("Cannot write the port to " + file, failure);
        }
    }
}
