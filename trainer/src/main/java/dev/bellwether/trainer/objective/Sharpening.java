package dev.bellwether.trainer.objective;

import dev.bellwether.policy.checkpoint.ModelTensors;
import dev.bellwether.policy.engine.RewardScorer;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.TrainingCollapsedException;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.objective.Rollouts.Rollout;
import dev.bellwether.trainer.reward.RewardModel;
import dev.bellwether.trainer.tensor.Torch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * Makes a policy surer of what it says before it is trained, as far as its replies are worth more then and stay different.
 *
 * <p>What a policy says by chance is wrong more often than what it finds likeliest. Policy gradients are slow to find that
 * out: it is one direction among millions, and each prompt is met but once. The gain of the last norm is that direction:
 * to multiply it is to divide the temperature.
 */
public final class Sharpening {
    private static final List<Double> FACTORS = List.of(1.0, 1.2, 1.4, 1.7, 2.0);
    private static final int PROMPTS = 64;
    private static final int REPLIES = 4;

    /** Share of the replies to a prompt that have to be unlike each other, in the mean. */
    private static final double DISTINCT_LEAST = .75;

    private final Transformer policy;
    private final Weights reference;
    private final RewardModel reward;
    private final Rollouts rollouts;
    private final List<int[]> prompts;
    private final PpoConfig config;
    private final long seed;

    /**
     * @param prompts all that there are
     * @param config what a reply is worth, and how it is sampled
     */
    public Sharpening(
            Transformer policy,
            Weights reference,
            RewardModel reward,
            Rollouts rollouts,
            List<int[]> prompts,
            PpoConfig config,
            long seed) {
        this.policy = policy;
        this.reference = reference;
        this.reward = reward;
        this.rollouts = rollouts;
        this.prompts = prompts;
        this.config = config;
        this.seed = seed;
    }

    /**
     * Sharpens {@code actor} in place.
     *
     * @param actor all of a model's weights
     * @param divergenceMax nats a reply that it may be away from the reference
     * @param progress hears the share that is done, and of each factor what replies are worth and how different they are
     * @return by how much; 1 where it is left as it was
     */
    public double sharpen(Weights actor, double divergenceMax, BiConsumer<Double, Map<String, Double>> progress) {
        List<int[]> asked = asked();
        double best = 1;
        double most = Double.NEGATIVE_INFINITY;
        try (PointerScope _ = Torch.scope();
                NoGradGuard _ = new NoGradGuard()) {
            Tensor gain = actor.get(ModelTensors.LAST_NORM);
            Tensor before = gain.clone();
            for (int i = 0; i < FACTORS.size(); i++) {
                double factor = FACTORS.get(i);
                gain.copy_(before.mul(new Scalar(factor)));
                Tried tried = tried(replies(actor, asked));
                progress.accept((i + 1.0) / (FACTORS.size() + 1), tried.metrics(factor));
                if (factor > 1 && (tried.distinct < DISTINCT_LEAST || tried.nats > divergenceMax)) {
                    break;
                }
                if (tried.worth > most) {
                    most = tried.worth;
                    best = factor;
                }
            }
            gain.copy_(before.mul(new Scalar(best)));
        }
        progress.accept(1.0, Map.of("factor", best, "objective/worth", most));
        return best;
    }

    /** What replies at one factor are: how different, worth how much, and how far from the reference. */
    private record Tried(double distinct, double worth, double nats) {
        Map<String, Double> metrics(double factor) {
            return Map.of(
                    "factor", factor, "response/distinct", distinct, "objective/worth", worth, "objective/kl", nats);
        }
    }

    private Tried tried(List<Rollout> replies) {
        Tried tried = new Tried(distinct(replies), worth(replies), divergence(replies));
        if (!Double.isFinite(tried.worth + tried.nats)) {
            throw new TrainingCollapsedException("what replies are worth is not finite before training begins");
        }
        return tried;
    }

    /** How much surer of what it says {@code policy} is than {@code reference}: by how much its last norm's gain is larger. */
    static double of(Weights policy, Weights reference) {
        return size(policy) / size(reference);
    }

    private static double size(Weights weights) {
        double squares = 0;
        for (float each : Torch.toArray(weights.get(ModelTensors.LAST_NORM))) {
            squares += (double) each * each;
        }
        return Math.sqrt(squares);
    }

    private List<int[]> asked() {
        List<int[]> order = new ArrayList<>(prompts);
        Collections.shuffle(order, new Random(seed));
        return order.subList(0, Math.min(PROMPTS, order.size())).stream()
                .flatMap(prompt -> Collections.nCopies(REPLIES, prompt).stream())
                .toList();
    }

    private List<Rollout> replies(Weights actor, List<int[]> asked) {
        try {
            return rollouts.sample(actor, asked, Sampling.at(config.temperature(), config.completionTokensMax(), seed));
        } finally {
            // A loaded engine holds the weights of before.
            rollouts.close();
        }
    }

    private double worth(List<Rollout> replies) {
        List<RewardScorer.Score> scores =
                reward.score(replies.stream().map(Rollout::sample).toList());
        return IntStream.range(0, replies.size())
                .mapToDouble(
                        i -> config.reward().of(scores.get(i), replies.get(i).ended()))
                .average()
                .orElseThrow();
    }

    private double divergence(List<Rollout> replies) {
        return Rollouts.divergence(
                policy,
                reference,
                replies,
                config.temperature(),
                config.update().batchTokens());
    }

    /** Mean share of different replies among those to one prompt. */
    static double distinct(List<Rollout> replies) {
        return IntStream.range(0, replies.size() / REPLIES)
                .mapToDouble(prompt -> replies.subList(prompt * REPLIES, (prompt + 1) * REPLIES).stream()
                                .map(Rollout::sample)
                                .map(Sample::tokens)
                                .map(tokens -> Arrays.stream(tokens).boxed().toList())
                                .collect(Collectors.toSet())
                                .size()
                        / (double) REPLIES)
                .average()
                .orElse(1);
    }
}
