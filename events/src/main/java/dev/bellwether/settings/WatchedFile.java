package dev.bellwether.settings;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file whose contents are used as they are now; one that cannot be read leaves the last good contents in force and
 * says why.
 */
public final class WatchedFile<T> implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WatchedFile.class);
    private static final Duration INTERVAL = Duration.ofMillis(500);

    private final Path path;
    private final Parser<T> parser;
    private volatile T value;
    private String text;
    private String lastRead;

    /** Why it was last, so that it is said once. */
    private String refused = "";

    private @Nullable Thread watcher;

    /** Reads contents; throws what is wrong with them. */
    public interface Parser<T> {
        T parse(String text) throws IOException;
    }

    /** Reads the file; the start fails if that does. */
    public WatchedFile(Path path, Parser<T> parser) throws IOException {
        this.path = path;
        this.parser = parser;
        try {
            this.text = Files.readString(path);
            this.lastRead = text;
            this.value = parser.parse(text);
        } catch (NoSuchFileException e) {
            throw new IOException("%s does not exist".formatted(path), e);
        } catch (IOException | RuntimeException e) {
            throw new IOException("%s: %s".formatted(path, e.getMessage()), e);
        }
    }

    public T value() {
        return value;
    }

    /** Looks for changes until {@link #close}. */
    public WatchedFile<T> watch() {
        watcher =
                Thread.ofPlatform().name("watch-" + path.getFileName()).daemon().start(this::lookForChanges);
        return this;
    }

    private void lookForChanges() {
        try {
            while (true) {
                Thread.sleep(INTERVAL);
                reload();
            }
        } catch (InterruptedException e) {
            LOG.debug("{} is not watched any more", path);
        }
    }

    /** Takes a change once it was read twice: a file in the middle of being written is left alone. */
    synchronized void reload() {
        try {
            String now = Files.readString(path);
            boolean settled = now.equals(lastRead);
            lastRead = now;
            if (settled && !now.equals(text)) {
                text = now;
                value = parser.parse(now);
                LOG.info("{} was read again", path);
            }
            refused = "";
        } catch (IOException | RuntimeException e) {
            if (!refused.equals(e.toString())) {
                refused = e.toString();
                LOG.error("{} is refused, the contents before it stay in force: {}", path, refused);
            }
        }
    }

    @Override
    public void close() {
        if (watcher != null) {
            watcher.interrupt();
        }
    }
}
