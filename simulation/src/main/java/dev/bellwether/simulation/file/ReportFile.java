package dev.bellwether.simulation.file;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A JSON file that a run writes when it ends. */
public final class ReportFile {
    private static final ObjectMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build();

    private final Path path;

    private ReportFile(Path path) {
        this.path = path;
    }

    /**
     * Makes the folder of {@code path} where it is missing, so that a run of minutes does not fail at its end.
     *
     * @throws IOException when no file can be written there
     */
    public static ReportFile at(Path path) throws IOException {
        Path absolute = path.toAbsolutePath();
        if (Files.isDirectory(absolute)) {
            throw new IOException("no report can be written to %s: it is a folder; name a file".formatted(path));
        }
        try {
            Files.createDirectories(absolute.getParent());
        } catch (FileSystemException e) {
            throw new IOException("no report can be written to %s: its folder cannot be made".formatted(path), e);
        }
        if (!Files.isWritable(Files.exists(absolute) ? absolute : absolute.getParent())) {
            throw new IOException("no report can be written to %s: permission denied".formatted(path));
        }
        return new ReportFile(absolute);
    }

    public void write(Object report) throws IOException {
        Files.writeString(path, JSON.writeValueAsString(report) + "\n");
    }
}
