package dev.bellwether.trainer.model;

/** Learning-rate schedules. */
public final class LearningRate {
    private LearningRate() {}

    /** Linear warm-up over {@code warmup} steps, then half a cosine down to a twentieth of {@code peak}. */
    public static double cosine(double peak, int step, int steps, int warmup) {
        double rise = Math.min(1, (step + 1.0) / Math.max(1, warmup));
        double progress = Math.min(1, step / (double) Math.max(1, steps));
        return peak * rise * (.05 + .95 * .5 * (1 + Math.cos(Math.PI * progress)));
    }

    /** Linear warm-up over {@code warmup} steps while falling linearly to {@code last} times {@code peak}. */
    public static double linear(double peak, int step, int steps, int warmup, double last) {
        double rise = Math.min(1, (step + 1.0) / Math.max(1, warmup));
        return peak * rise * (1 - (1 - last) * step / Math.max(1, steps));
    }
}
