package dev.bellwether.gateway.serving;

import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.policy.checkpoint.UpstreamConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Finds upstreams' keys where their descriptions say: in this process' environment, or in a file. */
public final class UpstreamKeys implements Function<UpstreamConfig.Key, String> {
    private final Function<String, @Nullable String> variable;

    /**
     * @param variable an environment variable by its name
     */
    public UpstreamKeys(Function<String, @Nullable String> variable) {
        this.variable = variable;
    }

    /** The key; one that is not there refuses the version by the name of what is missing. */
    @Override
    public String apply(UpstreamConfig.Key key) {
        String found = key.environment() == null ? read(String.valueOf(key.file())) : variable.apply(key.environment());
        if (found == null || found.isBlank()) {
            throw new UnsupportedCheckpointException(
                    key.environment() == null
                            ? "the file %s holds no key".formatted(key.file())
                            : "the gateway's environment variable %s, which is to hold the upstream's key, is not set"
                                    .formatted(key.environment()));
        }
        return found.strip();
    }

    private static String read(String file) {
        try {
            return Files.readString(Path.of(file));
        } catch (IOException e) {
            throw UnsupportedCheckpointException.unreadable(Path.of(file), e);
        }
    }
}
