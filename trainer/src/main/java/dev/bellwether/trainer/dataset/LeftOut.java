package dev.bellwether.trainer.dataset;

import dev.bellwether.event.EventJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What a snapshot did not take, as it could be meant to poison it; it stays recorded.
 *
 * @param overCap pairs of people who had judged as much as one person may
 * @param copies pairs that say the same of the same prompt as enough others
 * @param quarantined pairs and rated interactions of people who came in a burst
 */
public record LeftOut(long overCap, long copies, long quarantined) {
    static final LeftOut NOTHING = new LeftOut(0, 0, 0);
    private static final String FILE = "left-out.json";

    static LeftOut read(Path directory) throws IOException {
        Path file = directory.resolve(FILE);
        return Files.exists(file) ? EventJson.mapper().readValue(file.toFile(), LeftOut.class) : NOTHING;
    }

    void write(Path directory) throws IOException {
        JsonLines.write(directory.resolve(FILE), EventJson.mapper(), List.of(this));
    }

    /** By names for metrics. */
    public Map<String, Double> counts() {
        return Map.of("over_cap", (double) overCap, "copies", (double) copies, "quarantined", (double) quarantined);
    }

    /** For people; nothing where nothing was left out. */
    public List<String> reasons() {
        List<String> reasons = new ArrayList<>();
        if (overCap > 0) {
            reasons.add("%d pairs are left out: one person gave more than the others may".formatted(overCap));
        }
        if (copies > 0) {
            reasons.add("%d pairs are left out: enough others say the same of the same prompt".formatted(copies));
        }
        if (quarantined > 0) {
            reasons.add("%d records are in quarantine: many people judged for the first time at once; look at them, and"
                            .formatted(quarantined)
                    + " set refresh.quarantine to false to learn from them");
        }
        return reasons;
    }
}
