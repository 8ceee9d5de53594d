package dev.bellwether.standalone;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.deser.std.FromStringDeserializer;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The file {@code run.json} of a data folder: there while an installation runs, and after one that was killed. */
public record RunFile(Path path) {
    private static final Logger LOG = LoggerFactory.getLogger(RunFile.class);
    private static final Duration END_LIMIT = Duration.ofSeconds(30);
    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .addModule(new SimpleModule()
                    .addSerializer(Instant.class, ToStringSerializer.instance)
                    .addDeserializer(Instant.class, new InstantReader()))
            .build();

    public static RunFile in(Path dataFolder) {
        return new RunFile(dataFolder.resolve("run.json"));
    }

    /** The state written last; empty when nothing runs, or the file is damaged. */
    public Optional<RunState> read() {
        if (!Files.exists(path)) {
            return Optional.empty();
        }
        try {
            return Optional.of(JSON.readValue(path.toFile(), RunState.class));
        } catch (IOException damaged) {
            LOG.warn("{} cannot be read and is ignored: {}", path, damaged.getMessage());
            return Optional.empty();
        }
    }

    void write(RunState state) {
        new WholeFile(path).write(text(state) + "\n");
    }

    void delete() {
        try {
            Files.deleteIfExists(path);
        } catch (IOException failure) {
            throw new UncheckedIOException("Cannot delete " + path, failure);
        }
    }

    static String text(RunState state) {
        try {
            return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(state);
        } catch (JsonProcessingException impossible) {
            throw new IllegalStateException("Cannot write the state as JSON", impossible);
        }
    }

    /** Ends the services of an installation whose supervisor was killed, the last started first. */
    void endLeftovers() {
        read().ifPresent(state -> {
            for (ServiceState service : state.services().reversed()) {
                if (service.process().live().isPresent()) {
                    LOG.info("Ending {} (process {}), left by an earlier run", service.name(), service.pid());
                    end(service);
                }
            }
            delete();
        });
    }

    private void end(ServiceState service) {
        if (!service.process().end(END_LIMIT)) {
            throw new StandaloneException(
                    "leftover_process",
                    "%s (process %d), left by an earlier run on this folder, does not end. End it, and start again."
                            .formatted(service.name(), service.pid()));
        }
    }

    private static final class InstantReader extends FromStringDeserializer<Instant> {
        InstantReader() {
            super(Instant.class);
        }

        @Override
        protected Instant _deserialize(String value, DeserializationContext context) {
            return Instant.parse(value);
        }
    }
}
