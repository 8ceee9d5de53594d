package dev.bellwether.standalone;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The file {@code run.json} of a data folder: there while an installation runs, and of no meaning after one that was killed. */
public record RunFile(Path path) {
    private static final Logger LOG = LoggerFactory.getLogger(RunFile.class);
    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
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
}
