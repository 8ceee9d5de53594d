package dev.bellwether.trainer.reward;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * How far each person's judgements can be believed: how often what they say is the opposite of what they mean, or of what
 * people mean. It is found by expectation and maximization, with the reward model's opinion as one more witness of the truth,
 * of which it is found out as well how far it goes. Of somebody who said little, what is usual is assumed.
 *
 * @see <a href="https://doi.org/10.2307/2346806">Dawid and Skene: Maximum Likelihood Estimation of Observer Error-Rates Using
 *     the EM Algorithm</a>
 * @see <a href="https://jmlr.org/papers/v11/raykar10a.html">Raykar et al.: Learning From Crowds</a>
 */
final class Reliability {
    /** Judgements of a person without which nobody is told from the others. */
    static final int JUDGEMENTS_LEAST = 4;

    /** How many judgements what is usual counts as. */
    private static final double PRIOR = 4;

    private static final int ROUNDS = 30;
    private static final double SHARPNESS_MOST = 20;

    private final double usual;
    private final Map<String, Double> errorRates = new HashMap<>();

    /**
     * A judgement as a reward model sees it.
     *
     * @param margin by how much the reply that is said to be better is worth more
     */
    record Opinion(String person, double margin) {}

    /**
     * Finds the error rates that make all that was said most likely.
     *
     * @param usual that of people on the whole
     */
    Reliability(List<Opinion> opinions, double usual) {
        this.usual = usual;
        Map<String, List<Double>> margins = new HashMap<>();
        opinions.forEach(each ->
                margins.computeIfAbsent(each.person(), _ -> new ArrayList<>()).add(each.margin()));
        margins.values().removeIf(own -> own.size() < JUDGEMENTS_LEAST);
        margins.keySet().forEach(person -> errorRates.put(person, usual));
        for (int round = 0; round < ROUNDS; round++) {
            double sharpness = sharpness(margins);
            margins.forEach(
                    (person, own) -> errorRates.merge(person, 0.0, (rate, _) -> errorRate(own, sharpness, rate)));
        }
    }

    /** The evidence, weighed by how reliable those are whom it comes from, as a reward model sees them. */
    static List<Evidence> weigh(List<Evidence> all, RewardModel model, double bias, double usual) {
        Map<String, Long> counts = all.stream()
                .flatMap(each -> each.people().stream())
                .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
        List<Evidence> judged = all.stream()
                .filter(each ->
                        each.people().stream().anyMatch(person -> counts.getOrDefault(person, 0L) >= JUDGEMENTS_LEAST))
                .toList();
        if (judged.isEmpty()) {
            return all;
        }
        List<float[]> rewards = List.of(model.rewards(
                judged.stream().flatMap(each -> each.replies().stream()).toList()));
        List<Opinion> opinions = new ArrayList<>();
        int next = 0;
        for (Evidence each : judged) {
            int last = next + each.replies().size();
            double margin = each.margin(rewards.subList(next, last), bias);
            each.people().forEach(person -> opinions.add(new Opinion(person, margin)));
            next = last;
        }
        Reliability reliability = new Reliability(opinions, usual);
        return all.stream()
                .map(each -> each.weighing(reliability.of(each) * each.weight()))
                .toList();
    }

    /** Of several people the one who is least reliable. */
    private double of(Evidence evidence) {
        return evidence.people().stream().mapToDouble(this::of).min().orElse(1);
    }

    /** What a person's judgements count: 1 for one who errs as people do, 0 for one who says anything, or the opposite. */
    double of(String person) {
        double rate = errorRates.getOrDefault(person, usual);
        return Math.clamp((1 - 2 * rate) / (1 - 2 * usual), 0, 1);
    }

    /** The error rate that follows from what each judgement says of itself under {@code rate}. */
    private double errorRate(List<Double> margins, double sharpness, double rate) {
        double errors = PRIOR * usual;
        for (double margin : margins) {
            double agreement = RewardLoss.sigmoid(sharpness * margin);
            double erred = rate * (1 - agreement);
            errors += erred / (erred + (1 - rate) * agreement);
        }
        return errors / (PRIOR + margins.size());
    }

    /** The factor of all margins that makes what was said most likely, where people err as they are found to. */
    private double sharpness(Map<String, List<Double>> margins) {
        double low = 0;
        double high = SHARPNESS_MOST;
        for (int halving = 0; halving < ROUNDS; halving++) {
            double middle = (low + high) / 2;
            if (slope(margins, middle) > 0) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** d Σ log((1 − e)·σ(s·m) + e·σ(−s·m)) / d s. */
    private double slope(Map<String, List<Double>> margins, double sharpness) {
        double slope = 0;
        for (Map.Entry<String, List<Double>> each : margins.entrySet()) {
            double rate = errorRates.getOrDefault(each.getKey(), usual);
            for (double margin : each.getValue()) {
                double agreement = RewardLoss.sigmoid(sharpness * margin);
                double likelihood = (1 - rate) * agreement + rate * (1 - agreement);
                slope += (1 - 2 * rate) * agreement * (1 - agreement) * margin / likelihood;
            }
        }
        return slope;
    }
}
