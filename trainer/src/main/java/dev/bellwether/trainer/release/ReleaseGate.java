package dev.bellwether.trainer.release;

import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.objective.Closings;
import dev.bellwether.trainer.objective.Rollouts;
import dev.bellwether.trainer.objective.Rollouts.Rollout;
import dev.bellwether.trainer.reward.RewardModel;
import dev.bellwether.trainer.reward.RewardTraining;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * What a candidate must show before anyone meets it: that people who did not train its reward prefer it, and that it
 * did not get there by a trick.
 */
public final class ReleaseGate {
    private static final int REPEATED_LENGTH = 8;
    private static final double CLOSING_SHARE = .25;
    private static final double REPETITION_MAX = .05;
    private static final double PERPLEXITY_RISE = 1.2;
    private static final double DISTINCT_MIN = .35;

    /** Of the judge's accuracy: it decides nothing by itself. */
    private static final double JUDGE_LEVEL = .05;

    private final double klBudget;
    private final double level;
    private final long seed;
    private final Map<String, Double> numbers = new LinkedHashMap<>();
    private final List<String> reasons = new ArrayList<>();

    /**
     * @param level the probability with which a candidate may be let through that is no better, as {@link ErrorBudget} has it
     */
    public ReleaseGate(double klBudget, double level, long seed) {
        this.klBudget = klBudget;
        this.level = level;
        this.seed = seed;
    }

    /** The verdict, with the number behind every condition and the reasons of a refusal. */
    public record Verdict(boolean passed, Map<String, Double> numbers, List<String> reasons) {}

    /** The judge must tell what people prefer, on comparisons of people it was not trained on. */
    public ReleaseGate judgeAccuracy(RewardModel judge, List<Comparison> others) {
        boolean[] right = RewardTraining.right(judge, others);
        double[] values = new double[right.length];
        List<String> judges = new ArrayList<>();
        for (int i = 0; i < right.length; i++) {
            values[i] = right[i] ? 1 : 0;
            judges.add(others.get(i).judges().getFirst());
        }
        double bound = values.length == 0 ? 0 : Bootstrap.lowerBound(values, judges, JUDGE_LEVEL, seed);
        numbers.put("judge_accuracy", Arrays.stream(values).average().orElse(0));
        numbers.put("judge_accuracy_bound", bound);
        return require(
                bound > .5,
                "the judge finds no preference to learn: its accuracy on other people's comparisons is at least %.3f, needed is above 0.5"
                        .formatted(bound));
    }

    /**
     * The candidate must win against the champion under the judge; replies of both to the same prompts. How often it wins is
     * what the judge expects of people: a reply that is hardly better wins hardly more than half of them.
     */
    public ReleaseGate winRate(RewardModel judge, List<Rollout> candidate, List<Rollout> champion) {
        double[][] wins = wins(
                judge.rewards(candidate.stream().map(Rollout::sample).toList()),
                judge.rewards(champion.stream().map(Rollout::sample).toList()));
        double bound = Bootstrap.lowerBound(wins, level, seed);
        numbers.put(
                "win_rate",
                Arrays.stream(wins).flatMapToDouble(Arrays::stream).average().orElse(0));
        numbers.put("win_rate_bound", bound);
        numbers.put("win_rate_level", level);
        return require(
                bound > .5,
                "it does not win against the champion under the judge: the win rate is at least %.3f (at a level of %.4f), needed is above 0.5"
                        .formatted(bound, level));
    }

    /** The probability σ(ours − theirs), {@code [heads][replies]}, of rewards {@code [replies][heads]}. */
    static double[][] wins(float[][] ours, float[][] theirs) {
        double[][] wins = new double[ours[0].length][ours.length];
        for (int head = 0; head < wins.length; head++) {
            for (int i = 0; i < ours.length; i++) {
                wins[head][i] = 1 / (1 + Math.exp(theirs[i][head] - ours[i][head]));
            }
        }
        return wins;
    }

    public ReleaseGate divergence(double kl) {
        numbers.put("kl", kl);
        return require(
                kl <= klBudget, "it is %.1f nats a reply from its reference, allowed are %.1f".formatted(kl, klBudget));
    }

    /** Replies must be neither shorter nor longer than those that people preferred. */
    public ReleaseGate length(List<Rollout> candidate, List<Comparison> comparisons) {
        double[] preferred = comparisons.stream()
                .mapToDouble(each -> each.chosen().replyLength())
                .sorted()
                .toArray();
        double mean = candidate.stream()
                .mapToDouble(each -> each.sample().replyLength())
                .average()
                .orElse(0);
        double low = preferred[preferred.length / 20];
        double high = preferred[preferred.length * 19 / 20];
        numbers.put("reply_tokens", mean);
        return require(
                mean >= low && mean <= high,
                "its replies have %.1f tokens on average, those preferred %.0f to %.0f".formatted(mean, low, high));
    }

    /** No looping, and no closing phrase that people have not asked for. */
    public ReleaseGate repetition(List<Rollout> candidate, List<Comparison> comparisons) {
        double looping =
                candidate.stream().filter(each -> loops(each.sample().reply())).count() / (double) candidate.size();
        numbers.put("repetition", looping);
        require(looping <= REPETITION_MAX, "%.1f %% of its replies repeat themselves".formatted(100 * looping));
        Closings usual =
                Closings.of(comparisons.stream().map(Comparison::chosen).toList());
        double closing =
                Closings.of(candidate.stream().map(Rollout::sample).toList()).newest(usual);
        numbers.put("new_closing", closing);
        return require(
                closing <= CLOSING_SHARE,
                "%.1f %% of its replies close with a phrase that hardly a preferred reply has"
                        .formatted(100 * closing));
    }

    /** Different questions get different replies. */
    public ReleaseGate diversity(List<Rollout> candidate) {
        double distinct = Rollouts.distinct(candidate);
        numbers.put("distinct", distinct);
        return require(
                distinct >= DISTINCT_MIN,
                "it has %.2f different replies for each different prompt, needed are %.2f"
                        .formatted(distinct, DISTINCT_MIN));
    }

    /** Whether some eight tokens stand twice. */
    static boolean loops(int[] reply) {
        Set<List<Integer>> seen = new HashSet<>();
        return IntStream.rangeClosed(0, reply.length - REPEATED_LENGTH)
                .mapToObj(i ->
                        Arrays.stream(reply, i, i + REPEATED_LENGTH).boxed().toList())
                .anyMatch(run -> !seen.add(run));
    }

    /**
     * Perplexity on good replies that were kept out, against that of the policy which all refreshes start from: a bound
     * against the last champion would give way a little with each.
     */
    public ReleaseGate perplexity(double candidate, double reference) {
        numbers.put("perplexity", candidate);
        numbers.put("reference_perplexity", reference);
        return require(
                candidate <= PERPLEXITY_RISE * reference,
                "its perplexity on good replies is %.2f, that of the policy it comes from %.2f"
                        .formatted(candidate, reference));
    }

    private ReleaseGate require(boolean holds, String otherwise) {
        if (!holds) {
            reasons.add(otherwise);
        }
        return this;
    }

    public Verdict verdict() {
        return new Verdict(reasons.isEmpty(), Map.copyOf(numbers), List.copyOf(reasons));
    }
}
