package dev.bellwether.trainer.dataset;

import dev.bellwether.event.PreferencePair.Origin;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Two replies to one prompt as tokens, the first preferred.
 *
 * @param weight how much it counts
 * @param judges hashes of the people whose judgements it rests on; none for one that nobody judged
 * @param origin which rule made it; none for one that nobody judged
 */
public record Comparison(
        Sample chosen,
        Sample rejected,
        double weight,
        List<String> judges,
        long time,
        @Nullable Origin origin) {
    public Comparison {
        judges = List.copyOf(judges);
    }

    /** One that no rule made of what people said. */
    public static Comparison of(Sample chosen, Sample rejected, double weight) {
        return new Comparison(chosen, rejected, weight, List.of(), 0, null);
    }
}
