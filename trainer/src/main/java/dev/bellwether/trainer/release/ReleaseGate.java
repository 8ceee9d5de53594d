package dev.bellwether.trainer.release;

import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.objective.Phrases;
import dev.bellwether.trainer.objective.Rollouts;
import dev.bellwether.trainer.objective.Rollouts.Rollout;
import dev.bellwether.trainer.reward.RewardLoss;
import dev.bellwether.trainer.reward.RewardModel;
import dev.bellwether.trainer.reward.Yardstick;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.apache.commons.statistics.distribution.BinomialDistribution;

/**
 * What a candidate must show before anyone meets it: that people who did not train its reward prefer it, and that it
 * did not get there by a trick.
 */
public final class ReleaseGate {
    private static final int REPEATED_LENGTH = 8;
    private static final double REPETITION_MAX = .05;
    private static final double PERPLEXITY_RISE = 1.2;
    private static final double DISTINCT_MIN = .5;

    /** Of the judge's accuracy: it decides nothing by itself. */
    private static final double JUDGE_LEVEL = .05;

    private static final double SUITE_LEVEL = .05;
    private static final double PHRASE_LEVEL = .05;

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

    /** The judge must tell what people prefer, by what people said whom it was not trained on. */
    public ReleaseGate judgeAccuracy(RewardModel judge, Yardstick yardstick) {
        boolean[] right = yardstick.right(judge);
        List<Comparison> others = yardstick.comparisons();
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
     * The candidate must win against the champion under the judge. How often it wins is what the judge expects of people: a
     * reply that is hardly better wins hardly more than half of them.
     *
     * @param candidate its replies, those to a prompt one behind the other
     * @param champion its replies, as many to the same prompts
     * @param each how many there are to a prompt
     */
    public ReleaseGate winRate(RewardModel judge, List<Rollout> candidate, List<Rollout> champion, int each) {
        double[][] wins = wins(
                judge.rewards(candidate.stream().map(Rollout::sample).toList()),
                judge.rewards(champion.stream().map(Rollout::sample).toList()),
                each);
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

    /**
     * The mean probability σ(ours − theirs), {@code [heads][prompts]}, over all replies of the one and the other to a prompt.
     *
     * @param ours rewards {@code [prompts * each][heads]}
     */
    static double[][] wins(float[][] ours, float[][] theirs, int each) {
        double[][] wins = new double[ours[0].length][ours.length / each];
        for (int head = 0; head < wins.length; head++) {
            for (int prompt = 0; prompt < wins[head].length; prompt++) {
                double sum = 0;
                for (int i = prompt * each; i < (prompt + 1) * each; i++) {
                    for (int j = prompt * each; j < (prompt + 1) * each; j++) {
                        sum += RewardLoss.sigmoid(ours[i][head] - theirs[j][head]);
                    }
                }
                wins[head][prompt] = sum / (each * each);
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
    public ReleaseGate length(List<Rollout> candidate, List<Sample> good) {
        double[] preferred =
                good.stream().mapToDouble(Sample::replyLength).sorted().toArray();
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

    /**
     * No looping, and no phrase in everything that people have not asked for: in more replies than may hold it, and in more than
     * chance would have (one-sided, of as many replies as there are prompts).
     *
     * @param usual what phrases people preferred, and the first policy says by itself
     * @param written a phrase's tokens as text
     * @param replies how many there are to a prompt
     */
    public ReleaseGate repetition(
            List<Rollout> candidate, Phrases.Usual usual, Function<int[], String> written, int replies) {
        double looping =
                candidate.stream().filter(each -> loops(each.sample().reply())).count() / (double) candidate.size();
        numbers.put("repetition", looping);
        require(looping <= REPETITION_MAX, "%.1f %% of its replies repeat themselves".formatted(100 * looping));
        Phrases.Frequency phrase =
                Phrases.of(candidate.stream().map(Rollout::sample).toList()).worst(usual);
        numbers.put("phrase", phrase.share());
        numbers.put("phrase_allowed", phrase.allowed());
        int prompts = candidate.size() / replies;
        double chance = BinomialDistribution.of(prompts, phrase.allowed())
                .survivalProbability((int) Math.round(phrase.share() * prompts) - 1);
        return require(
                phrase.share() <= phrase.allowed() || chance >= PHRASE_LEVEL,
                "%.1f %% of its replies hold \"%s\"; by what people preferred and the first version says %.1f %% may"
                        .formatted(
                                100 * phrase.share(),
                                written.apply(phrase.phrase().stream()
                                                .mapToInt(Integer::intValue)
                                                .toArray())
                                        .strip(),
                                100 * phrase.allowed()));
    }

    /** Different questions get different replies; of {@code each} to a prompt the first one counts. */
    public ReleaseGate diversity(List<Rollout> candidate, int each) {
        double distinct = Rollouts.distinct(candidate, each);
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

    /**
     * What the first policy knew of the bot's suite must not be unlearned: of the questions that only one of the two knows, more
     * are the first policy's than chance would have (McNemar's test, one-sided), or the known answers have become as unlikely as
     * good replies may not.
     */
    public ReleaseGate suite(Suite.Result candidate, Suite.Result first) {
        int lost = 0;
        int won = 0;
        for (int i = 0; i < candidate.known().length; i++) {
            lost += first.known()[i] && !candidate.known()[i] ? 1 : 0;
            won += candidate.known()[i] && !first.known()[i] ? 1 : 0;
        }
        double chance = lost == 0 ? 1 : BinomialDistribution.of(lost + won, .5).survivalProbability(lost - 1);
        numbers.put("suite_known", candidate.share());
        numbers.put("suite_known_first", first.share());
        numbers.put("suite_perplexity", candidate.perplexity());
        require(
                chance >= SUITE_LEVEL,
                "it knows %.1f %% of the suite's answers, the first policy %.1f %%: %d unlearned, %d learned"
                        .formatted(100 * candidate.share(), 100 * first.share(), lost, won));
        return require(
                candidate.perplexity() <= PERPLEXITY_RISE * first.perplexity(),
                "its perplexity on the suite's answers is %.2f, that of the first policy %.2f"
                        .formatted(candidate.perplexity(), first.perplexity()));
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
