package dev.bellwether.gateway.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.policy.checkpoint.UpstreamConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UpstreamKeysTest {
    @TempDir
    private Path directory = Path.of("");

    private final AtomicLong nanos = new AtomicLong();
    private final UpstreamKeys keys = new UpstreamKeys(Map.of("KEY", " sk-1\n", "BLANK", " ")::get, nanos::get);

    private static UpstreamConfig.Key environment(String name) {
        return new UpstreamConfig.Key(name, null, null);
    }

    private UpstreamConfig.Key file(String name) {
        return new UpstreamConfig.Key(null, directory.resolve(name).toString(), null);
    }

    @Test
    void findsAKeyInTheEnvironmentOrSaysWhichVariableIsMissing() {
        assertThat(keys.apply(environment("KEY")).get()).isEqualTo("sk-1");
        for (String missing : new String[] {"BLANK", "OTHER"}) {
            assertThatThrownBy(() -> keys.apply(environment(missing)))
                    .isInstanceOf(UnsupportedCheckpointException.class)
                    .hasMessageContaining(missing);
        }
    }

    @Test
    void readsAFileAgainSoThatAKeyCanBeRotated() throws IOException {
        Path file = Files.writeString(directory.resolve("key"), "sk-1\n");
        Supplier<@Nullable String> key = keys.apply(file("key"));
        Files.writeString(file, "sk-2\n");
        assertThat(key.get()).as("not with every request").isEqualTo("sk-1");
        nanos.addAndGet(Duration.ofSeconds(11).toNanos());
        assertThat(key.get()).isEqualTo("sk-2");
        Files.delete(file);
        nanos.addAndGet(Duration.ofSeconds(11).toNanos());
        assertThat(key.get()).as("the key before stays in use").isEqualTo("sk-2");
    }

    @Test
    void refusesAFileThatIsMissingOrEmpty() throws IOException {
        Files.writeString(directory.resolve("empty"), " \n");
        for (String name : new String[] {"empty", "missing"}) {
            assertThatThrownBy(() -> keys.apply(file(name)))
                    .isInstanceOf(UnsupportedCheckpointException.class)
                    .hasMessageContaining(name);
        }
    }
}
