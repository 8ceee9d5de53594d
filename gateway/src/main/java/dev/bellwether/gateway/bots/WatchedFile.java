package dev.bellwether.gateway.bots;

import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file whose contents are used as they are now; one that cannot be read leaves the last good contents in force and
 * says why.
 */
public final class WatchedFile<T> {
    private static final Logger LOG = LoggerFactory.getLogger(WatchedFile.class);
    private static final Duration INTERVAL = Duration.ofMillis(500);

    private final Path path;
    private final Parser<T> parser;
    private volatile T value;
    private String text;

    /** Reads contents; throws what is wrong with them. */
    public interface Parser<T> {
        T parse(String text) throws IOException;
    }

    /** Reads the file; the start fails if that does. */
    public WatchedFile(Path path, Parser<T> parser) throws IOException {
        this.path = path;
        this.parser = parser;
        this.text = Files.readString(path);
        try {
            this.value = parser.parse(text);
        } catch (IOException | RuntimeException e) {
            throw new IOException("%s: %s".formatted(path, e.getMessage()), e);
        }
    }

    public T value() {
        return value;
    }

    /** Looks for changes until the gateway ends. */
    public void watch(Vertx vertx) {
        vertx.setPeriodic(
                INTERVAL.toMillis(),
                timer -> vertx.executeBlocking(() -> {
                    reload();
                    return true;
                }));
    }

    synchronized void reload() {
        try {
            String now = Files.readString(path);
            if (!now.equals(text)) {
                text = now;
                value = parser.parse(now);
                LOG.info("{} was read again", path);
            }
        } catch (IOException | RuntimeException e) {
            LOG.error("{} is refused, the contents before it stay in force: {}", path, e.getMessage());
        }
    }
}
