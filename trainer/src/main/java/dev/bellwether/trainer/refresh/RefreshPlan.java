package dev.bellwether.trainer.refresh;

import dev.bellwether.event.EventJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/**
 * What a refresh was begun with, kept in its folder: one that was cut off goes on with it, whatever settings and champion are
 * by then.
 *
 * @param judgedUntil time of the newest judgement that was there, in milliseconds of the epoch; newer ones are fresh for the
 *     next refresh
 */
record RefreshPlan(Refresh.Order order, RefreshConfig config, long judgedUntil) {
    static final String FILE = "plan.json";

    /** The plan in {@code folder}; none where no refresh was begun there. */
    static Optional<RefreshPlan> read(Path folder) throws IOException {
        Path file = folder.resolve(FILE);
        return Files.exists(file)
                ? Optional.of(EventJson.mapper().readValue(file.toFile(), RefreshPlan.class))
                : Optional.empty();
    }

    /** The same, to be run up to {@code end}. */
    RefreshPlan until(Refresh.Until end) {
        Refresh.Order own =
                new Refresh.Order(order.bot(), order.version(), order.origin(), order.champion(), end, order.level());
        return new RefreshPlan(own, config, judgedUntil);
    }

    static boolean exists(Path folder) {
        return Files.exists(folder.resolve(FILE));
    }

    void write(Path folder) throws IOException {
        Files.createDirectories(folder);
        Path unfinished = folder.resolve(FILE + ".unfinished");
        Files.writeString(unfinished, EventJson.mapper().writeValueAsString(this));
        Files.move(
                unfinished, folder.resolve(FILE), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
