package dev.bellwether.gateway.serving;

import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.policy.checkpoint.UpstreamConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds upstreams' keys where their descriptions say: in this process' environment, or in a file, which is read again
 * every few seconds, so that a key can be rotated.
 */
public final class UpstreamKeys implements Function<UpstreamConfig.Key, Supplier<@Nullable String>> {
    private static final Logger LOG = LoggerFactory.getLogger(UpstreamKeys.class);
    private static final Duration FRESH = Duration.ofSeconds(10);

    private final Function<String, @Nullable String> variable;
    private final LongSupplier nanos;

    /**
     * @param variable an environment variable by its name
     */
    public UpstreamKeys(Function<String, @Nullable String> variable) {
        this(variable, System::nanoTime);
    }

    UpstreamKeys(Function<String, @Nullable String> variable, LongSupplier nanos) {
        this.variable = variable;
        this.nanos = nanos;
    }

    /** The key as it is now; one that is not there refuses the version by the name of what is missing. */
    @Override
    public Supplier<@Nullable String> apply(UpstreamConfig.Key key) {
        if (key.file() != null) {
            return new KeyFile(Path.of(key.file()), nanos);
        }
        String found = variable.apply(String.valueOf(key.environment()));
        if (found == null || found.isBlank()) {
            throw new UnsupportedCheckpointException(
                    "the gateway's environment variable %s, which is to hold the upstream's key, is not set"
                            .formatted(key.environment()));
        }
        String stripped = found.strip();
        return () -> stripped;
    }

    private static final class KeyFile implements Supplier<@Nullable String> {
        private final Path file;
        private final LongSupplier nanos;
        private String key;
        private long readNanos;

        private KeyFile(Path file, LongSupplier nanos) {
            this.file = file;
            this.nanos = nanos;
            this.key = read();
            this.readNanos = nanos.getAsLong();
        }

        @Override
        public synchronized String get() {
            if (nanos.getAsLong() - readNanos > FRESH.toNanos()) {
                readNanos = nanos.getAsLong();
                try {
                    key = read();
                } catch (UnsupportedCheckpointException e) {
                    LOG.warn("the key before stays in use: {}", e.getMessage());
                }
            }
            return key;
        }

        private String read() {
            try {
                String text = Files.readString(file).strip();
                if (text.isEmpty()) {
                    throw new UnsupportedCheckpointException("the file %s holds no key".formatted(file));
                }
                return text;
            } catch (IOException e) {
                throw UnsupportedCheckpointException.unreadable(file, e);
            }
        }
    }
}
