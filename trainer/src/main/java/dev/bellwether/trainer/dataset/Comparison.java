package dev.bellwether.trainer.dataset;

import java.util.List;

/**
 * Two replies to one prompt as tokens, the first preferred.
 *
 * @param weight how much it counts
 * @param judges hashes of the people whose judgements it rests on; none for one that nobody judged
 */
public record Comparison(Sample chosen, Sample rejected, double weight, List<String> judges, long time) {
    public Comparison {
        judges = List.copyOf(judges);
    }
}
