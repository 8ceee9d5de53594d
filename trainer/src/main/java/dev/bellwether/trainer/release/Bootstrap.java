package dev.bellwether.trainer.release;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/** Lower confidence bounds of means, by resampling. */
final class Bootstrap {
    /** Means below the quantile that is asked for, at least: with fewer it is a matter of chance. */
    private static final int BELOW = 50;

    private static final int RESAMPLES_LEAST = 1_000;
    private static final int RESAMPLES_MOST = 200_000;

    private Bootstrap() {}

    /** The {@code level}-quantile of the mean of {@code values} when whole clusters are resampled. */
    static double lowerBound(double[] values, List<String> clusters, double level, long seed) {
        Map<String, List<Double>> byCluster = new TreeMap<>();
        for (int i = 0; i < values.length; i++) {
            byCluster
                    .computeIfAbsent(clusters.get(i), cluster -> new ArrayList<>())
                    .add(values[i]);
        }
        List<List<Double>> groups = new ArrayList<>(byCluster.values());
        Random random = new Random(seed);
        double[] means = new double[resamples(level)];
        for (int resample = 0; resample < means.length; resample++) {
            double sum = 0;
            long count = 0;
            for (int draw = 0; draw < groups.size(); draw++) {
                for (double value : groups.get(random.nextInt(groups.size()))) {
                    sum += value;
                    count++;
                }
            }
            means[resample] = sum / count;
        }
        return quantile(means, level);
    }

    /**
     * The {@code level}-quantile of the mean of {@code values[head][prompt]} when heads and prompts are both resampled.
     */
    static double lowerBound(double[][] values, double level, long seed) {
        Random random = new Random(seed);
        int prompts = values[0].length;
        double[] means = new double[resamples(level)];
        for (int resample = 0; resample < means.length; resample++) {
            int[] heads = random.ints(values.length, 0, values.length).toArray();
            double sum = 0;
            for (int draw = 0; draw < prompts; draw++) {
                int prompt = random.nextInt(prompts);
                for (int head : heads) {
                    sum += values[head][prompt];
                }
            }
            means[resample] = sum / (prompts * (double) heads.length);
        }
        return quantile(means, level);
    }

    private static int resamples(double level) {
        return (int) Math.clamp(BELOW / level, RESAMPLES_LEAST, RESAMPLES_MOST);
    }

    private static double quantile(double[] means, double level) {
        Arrays.sort(means);
        return means[(int) (level * means.length)];
    }
}
