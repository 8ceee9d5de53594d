package dev.bellwether.trainer.metrics;

import org.apache.commons.statistics.descriptive.Variance;

/** Pearson's correlation coefficient. */
public final class Correlation {
    private Correlation() {}

    /** Of two rows of numbers, from -1 to 1; 0 where one of them does not vary. */
    public static double of(double[] first, double... second) {
        Variance sums = Variance.create();
        Variance differences = Variance.create();
        for (int i = 0; i < first.length; i++) {
            sums.accept(first[i] + second[i]);
            differences.accept(first[i] - second[i]);
        }
        double covariance = (sums.getAsDouble() - differences.getAsDouble()) / 4;
        double spread =
                Math.sqrt(Variance.of(first).getAsDouble() * Variance.of(second).getAsDouble());
        return spread > 0 ? covariance / spread : 0;
    }
}
