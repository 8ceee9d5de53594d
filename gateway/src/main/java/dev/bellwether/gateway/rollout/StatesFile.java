package dev.bellwether.gateway.rollout;

import dev.bellwether.event.EventJson;
import dev.bellwether.event.RolloutState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The states that were read last, on this gateway's own disk: what it starts from while Kafka is away. */
final class StatesFile {
    private static final Logger LOG = LoggerFactory.getLogger(StatesFile.class);

    private final Path file;

    StatesFile(Path file) {
        this.file = file;
    }

    /**
     * The file's content.
     *
     * @param heard when Kafka answered last, in milliseconds since 1970
     */
    record Content(long heard, List<RolloutState> states) {}

    /** Nothing when there is no file, or none that can be read. */
    Optional<Content> read() {
        try {
            return Files.exists(file)
                    ? Optional.of(EventJson.mapper().readValue(file.toFile(), Content.class))
                    : Optional.empty();
        } catch (IOException e) {
            LOG.warn("{} cannot be read and is passed over: {}", file, e.getMessage());
            return Optional.empty();
        }
    }

    /** Replaces the file as a whole; a disk that takes nothing stops nobody. */
    void write(long heard, Collection<RolloutState> states) {
        Path unfinished = file.resolveSibling(file.getFileName() + ".unfinished");
        try {
            EventJson.mapper().writeValue(unfinished.toFile(), new Content(heard, List.copyOf(states)));
            Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            LOG.warn("the rollouts' states cannot be kept: {}", e.getMessage());
        }
    }
}
