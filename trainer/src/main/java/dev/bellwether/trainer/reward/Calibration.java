package dev.bellwether.trainer.reward;

import dev.bellwether.event.PreferencePair.Origin;
import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.metrics.Correlation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * How far a reward model can be believed, on comparisons that it did not learn from.
 *
 * @param accuracy share of comparisons whose chosen reply scores higher
 * @param margin mean reward of the chosen replies less that of the rejected ones
 * @param error expected calibration error: how far, on average, the probability that it gives to what it takes for the
 *     better reply is from how often that is preferred
 * @param agreement share of comparisons of which all heads say the same
 * @param lengthCorrelation of reward and the number of a reply's tokens
 * @param byOrigin where comparisons come from
 * @param byConfidence for each tenth of probability from one half on
 */
public record Calibration(
        double accuracy,
        double margin,
        double error,
        double agreement,
        double lengthCorrelation,
        Map<String, Part> byOrigin,
        List<Part> byConfidence) {
    private static final int BINS = 5;

    /**
     * Some of the comparisons.
     *
     * @param confidence mean probability that was given to the reply that was taken for the better one
     * @param accuracy share of them of which that is right
     */
    public record Part(int comparisons, double confidence, double accuracy) {}

    static Calibration of(RewardModel model, List<Comparison> comparisons) {
        List<Sample> replies = new ArrayList<>();
        for (Comparison each : comparisons) {
            replies.add(each.chosen());
            replies.add(each.rejected());
        }
        return of(model.rewards(replies), comparisons);
    }

    /** Of rewards {@code [2 * comparisons][heads]}, the chosen reply's first. */
    static Calibration of(float[][] rewards, List<Comparison> comparisons) {
        List<Opinion> opinions = IntStream.range(0, comparisons.size())
                .mapToObj(i -> Opinion.of(rewards[2 * i], rewards[2 * i + 1]))
                .toList();
        Map<Origin, List<Opinion>> origins = new EnumMap<>(Origin.class);
        List<List<Opinion>> bins = IntStream.range(0, BINS)
                .mapToObj(_ -> (List<Opinion>) new ArrayList<Opinion>())
                .toList();
        for (int i = 0; i < opinions.size(); i++) {
            Opinion opinion = opinions.get(i);
            bins.get(opinion.bin()).add(opinion);
            Origin origin = comparisons.get(i).origin();
            if (origin != null) {
                origins.computeIfAbsent(origin, _ -> new ArrayList<>()).add(opinion);
            }
        }
        List<Part> byConfidence = bins.stream().map(Calibration::part).toList();
        Map<String, Part> byOrigin = new TreeMap<>();
        origins.forEach((origin, some) -> byOrigin.put(origin.name().toLowerCase(Locale.ROOT), part(some)));
        return new Calibration(
                part(opinions).accuracy(),
                mean(opinions.stream().mapToDouble(Opinion::margin).toArray()),
                byConfidence.stream()
                        .filter(each -> each.comparisons() > 0)
                        .mapToDouble(each ->
                                each.comparisons() * Math.abs(each.accuracy() - each.confidence()) / opinions.size())
                        .sum(),
                mean(opinions.stream()
                        .mapToDouble(each -> each.unanimous() ? 1 : 0)
                        .toArray()),
                Correlation.of(lengths(comparisons), means(rewards)),
                byOrigin,
                byConfidence);
    }

    /**
     * What the heads think of a comparison.
     *
     * @param probability that the chosen reply is preferred
     */
    private record Opinion(double probability, double margin, boolean unanimous) {
        static Opinion of(float[] chosen, float[] rejected) {
            double probability = 0;
            double margin = 0;
            int right = 0;
            int wrong = 0;
            for (int head = 0; head < chosen.length; head++) {
                double difference = chosen[head] - rejected[head];
                probability += RewardLoss.sigmoid(difference) / chosen.length;
                margin += difference / chosen.length;
                right += difference > 0 ? 1 : 0;
                wrong += difference < 0 ? 1 : 0;
            }
            return new Opinion(probability, margin, Math.max(right, wrong) == chosen.length);
        }

        boolean right() {
            return margin > 0;
        }

        double confidence() {
            return right() ? probability : 1 - probability;
        }

        int bin() {
            return (int) Math.clamp((confidence() - .5) * 2 * BINS, 0, BINS - 1);
        }
    }

    private static Part part(List<Opinion> opinions) {
        return new Part(
                opinions.size(),
                mean(opinions.stream().mapToDouble(Opinion::confidence).toArray()),
                mean(opinions.stream().mapToDouble(each -> each.right() ? 1 : 0).toArray()));
    }

    private static double mean(double... values) {
        return Arrays.stream(values).average().orElse(0);
    }

    private static double[] lengths(List<Comparison> comparisons) {
        return comparisons.stream()
                .flatMapToDouble(each -> DoubleStream.of(
                        each.chosen().replyLength(), each.rejected().replyLength()))
                .toArray();
    }

    private static double[] means(float[][] rewards) {
        double[] means = new double[rewards.length];
        for (int i = 0; i < means.length; i++) {
            for (float reward : rewards[i]) {
                means[i] += reward / rewards[i].length;
            }
        }
        return means;
    }

    /** Its numbers alone, as metrics are named. */
    public Map<String, Double> metrics() {
        return Map.of(
                "accuracy",
                accuracy,
                "margin",
                margin,
                "calibration_error",
                error,
                "agreement",
                agreement,
                "length_correlation",
                lengthCorrelation);
    }
}
