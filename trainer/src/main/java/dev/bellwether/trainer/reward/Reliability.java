package dev.bellwether.trainer.reward;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How far each person's judgements can be believed: how often what they say is the opposite of what they mean, or of what
 * people mean, found by expectation and maximization with the reward model's opinion in the place of the truth. Of somebody who
 * said little, what is usual is assumed.
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

    private static final int ROUNDS = 50;

    private final double usual;
    private final Map<String, List<Double>> agreements = new HashMap<>();

    /**
     * @param usual the error rate of people on the whole
     */
    Reliability(double usual) {
        this.usual = usual;
    }

    /**
     * Takes a judgement.
     *
     * @param agreement the probability that people think the same
     */
    void add(String person, double agreement) {
        agreements.computeIfAbsent(person, _ -> new ArrayList<>()).add(agreement);
    }

    /** What a person's judgements count: 1 for one who errs as people do, 0 for one who says anything, or the opposite. */
    double of(String person) {
        List<Double> own = agreements.getOrDefault(person, List.of());
        if (own.size() < JUDGEMENTS_LEAST) {
            return 1;
        }
        return Math.clamp((1 - 2 * errorRate(own, usual)) / (1 - 2 * usual), 0, 1);
    }

    /** The most likely error rate of somebody with whose judgements people agree with these probabilities. */
    static double errorRate(List<Double> agreements, double usual) {
        double rate = usual;
        for (int round = 0; round < ROUNDS; round++) {
            double errors = PRIOR * usual;
            for (double agreement : agreements) {
                double erred = rate * (1 - agreement);
                errors += erred / (erred + (1 - rate) * agreement);
            }
            rate = errors / (PRIOR + agreements.size());
        }
        return rate;
    }
}
