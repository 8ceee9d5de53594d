package dev.bellwether.stream.scorecard;

/** An experiment's name ends in when it began, so that what is known of its users lies at that time and goes with it. */
final class ExperimentTime {
    private ExperimentTime() {}

    /** In milliseconds since 1970; 0 for a name that holds none. */
    static long of(String experiment) {
        String end = experiment.substring(experiment.lastIndexOf('-') + 1);
        try {
            return Math.max(0, Long.parseLong(end));
        } catch (NumberFormatException e) {
            return 0;
        }
    }
}
