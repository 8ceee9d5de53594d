package dev.bellwether.trainer.objective;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.bellwether.policy.engine.RewardScorer.Score;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.objective.Rollouts.Rollout;
import dev.bellwether.trainer.reward.RewardModel;
import dev.bellwether.trainer.sft.SftConfig;
import dev.bellwether.trainer.sft.SupervisedFineTuning;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Teaches a policy the best of its own replies: of several to a prompt the one that is worth most, as if somebody had
 * written it. PPO goes on from there. The best of n themselves are ln n − (n − 1)/n nats from where they were drawn; a policy that
 * learns them at too high a rate goes further.
 *
 * @see <a href="https://arxiv.org/abs/2304.06767">Dong et al.: RAFT: Reward rAnked FineTuning for Generative Foundation
 *     Model Alignment</a>
 */
public final class BestOfN {
    /** Of a policy with few parameters. */
    public static final double LEARNING_RATE = 3e-4;

    private static final int EPOCHS = 1;

    private final Transformer policy;
    private final Rollouts rollouts;
    private final RewardModel reward;
    private final List<int[]> prompts;
    private final PpoConfig ppo;
    private final Config config;
    private final double learningRate;
    private final long seed;

    /**
     * How much is sampled.
     *
     * @param rounds each of which samples anew; 0 leaves all of it out
     * @param prompts of a round
     * @param replies to each
     */
    public record Config(int rounds, int prompts, int replies) {
        public static final Config DEFAULT = new Config(0, 512, 16);

        public Config {
            if (rounds < 0 || prompts < 1 || replies < 2) {
                throw new IllegalArgumentException(
                        "best_of: at least one prompt and two replies, not %d and %d".formatted(prompts, replies));
            }
        }

        @JsonCreator
        static Config of(
                @JsonProperty("rounds") @Nullable Integer rounds,
                @JsonProperty("prompts") @Nullable Integer prompts,
                @JsonProperty("replies") @Nullable Integer replies) {
            return new Config(
                    Optional.ofNullable(rounds).orElse(DEFAULT.rounds),
                    Optional.ofNullable(prompts).orElse(DEFAULT.prompts),
                    Optional.ofNullable(replies).orElse(DEFAULT.replies));
        }
    }

    /**
     * @param prompts all that there are
     * @param ppo what a reply is worth, and how it is sampled
     */
    public BestOfN(
            Transformer policy,
            Rollouts rollouts,
            RewardModel reward,
            List<int[]> prompts,
            PpoConfig ppo,
            Config config,
            double learningRate,
            long seed) {
        this.policy = policy;
        this.rollouts = rollouts;
        this.reward = reward;
        this.prompts = List.copyOf(prompts);
        this.ppo = ppo;
        this.config = config;
        this.learningRate = learningRate;
        this.seed = seed;
    }

    /**
     * Trains {@code actor} in place.
     *
     * @param progress hears the share that is done, and what replies and the best of them were worth
     */
    public void train(Weights actor, BiConsumer<Double, Map<String, Double>> progress) {
        try (Parameters parameters = new Parameters(actor, Parameters.AdamW.FINE_TUNING)) {
            for (int round = 0; round < config.rounds(); round++) {
                Map<String, Double> metrics = new HashMap<>();
                List<Sample> best = best(actor, new Random(seed * 1_000_003 + round), metrics);
                SftConfig settings = new SftConfig(
                        learningRate,
                        EPOCHS,
                        ppo.update().batchTokens(),
                        ppo.update().batchTokens(),
                        0,
                        seed + round,
                        ppo.temperature());
                new SupervisedFineTuning(policy, settings).train(parameters, best, _ -> {});
                progress.accept((round + 1.0) / config.rounds(), metrics);
            }
        }
    }

    private List<Sample> best(Weights actor, Random random, Map<String, Double> metrics) {
        List<int[]> order = new ArrayList<>(prompts);
        Collections.shuffle(order, random);
        List<int[]> asked = order.subList(0, Math.min(config.prompts(), order.size())).stream()
                .flatMap(prompt -> Collections.nCopies(config.replies(), prompt).stream())
                .toList();
        Sampling sampling = Sampling.at(ppo.temperature(), ppo.completionTokensMax(), random.nextLong());
        List<Rollout> replies = rollouts.sample(actor, asked, sampling);
        List<Score> scores = reward.score(replies.stream().map(Rollout::sample).toList());
        List<Sample> best = new ArrayList<>();
        double all = 0;
        double chosen = 0;
        for (int first = 0; first < replies.size(); first += config.replies()) {
            int top = first;
            for (int i = first; i < first + config.replies(); i++) {
                all += worth(replies, scores, i);
                top = worth(replies, scores, i) > worth(replies, scores, top) ? i : top;
            }
            best.add(replies.get(top).sample());
            chosen += worth(replies, scores, top);
        }
        metrics.put("objective/scores", all / replies.size());
        metrics.put("objective/best", chosen / best.size());
        metrics.put("response/distinct", Rollouts.distinct(replies));
        return best;
    }

    private double worth(List<Rollout> replies, List<Score> scores, int i) {
        return ppo.reward().of(scores.get(i), replies.get(i).ended());
    }
}
