package dev.bellwether.stream.scorecard;

import java.time.Duration;

/**
 * An experiment is named after the version that it tries and when it began, so that what is known of its users lies at that
 * time and goes with it.
 */
final class ExperimentName {
    /** As far as the clock of whoever began it may be before a gateway's; further, and everything else would expire. */
    private static final Duration AHEAD_MAX = Duration.ofHours(1);

    private ExperimentName() {}

    /** In milliseconds since 1970; 0 for a name that holds none. */
    static long began(String experiment) {
        String end = experiment.substring(experiment.lastIndexOf('-') + 1);
        try {
            return Math.max(0, Long.parseLong(end));
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    /** Whether it tries {@code version}. */
    static boolean tries(String experiment, String version) {
        return experiment.substring(0, Math.max(0, experiment.lastIndexOf('-'))).equals(version);
    }

    /** Whether what happened at {@code time} can have been in an experiment of that name. */
    static boolean possible(String experiment, long time) {
        return began(experiment) <= time + AHEAD_MAX.toMillis();
    }
}
