package dev.bellwether.simulation.experiment;

import java.util.List;
import java.util.Map;

/**
 * One run of an experiment: the demo with a taste, a seed and settings of its own.
 *
 * @param variant what is compared with other variants
 * @param taste name of its file, without its ending
 * @param flipRate share of judgements that say the opposite
 * @param reactionRate share of replies that get any judgement
 * @param bot what differs from the demo's bot, by a path such as {@code refresh.judgements}
 * @param options further options of the demo
 */
record Run(
        String variant,
        String taste,
        long seed,
        double flipRate,
        double reactionRate,
        int refreshes,
        Map<String, Object> bot,
        List<String> options) {
    Run {
        bot = Map.copyOf(bot);
        options = List.copyOf(options);
    }

    /** Its name among the runs of its experiment. */
    String name() {
        return "%s-%s-%d".formatted(variant.replaceAll("[^A-Za-z0-9.]+", "-"), taste, seed);
    }
}
