package dev.bellwether.trainer.objective;

import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.engine.RewardScorer;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.LearningRate;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.TrainingCollapsedException;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.objective.Rollouts.Rollout;
import dev.bellwether.trainer.reward.RewardModel;
import dev.bellwether.trainer.tensor.ComputeDevice;
import dev.bellwether.trainer.tensor.Torch;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * Proximal policy optimization: {@link #step} is the algorithm. What a reply is expected to be worth says a critic, or,
 * in RLOO, the other replies to its prompt.
 *
 * @see <a href="https://arxiv.org/abs/1707.06347">Schulman et al.: Proximal Policy Optimization Algorithms</a>
 * @see <a href="https://arxiv.org/abs/1909.08593">Ziegler et al.: Fine-Tuning Language Models from Human Preferences</a>
 */
public final class Ppo implements PolicyTraining {
    private static final double GAP_MAX = .5;

    private final Transformer policy;
    private final Parameters actor;
    private final Baseline baseline;
    private final Weights reference;
    private final RewardModel reward;
    private final Phrases.Usual usual;
    private final Rollouts rollouts;
    private final List<int[]> prompts;
    private final PpoConfig config;

    /** Replies to each prompt of a step. */
    private final int replies;

    private final long seed;
    private final ComputeDevice device;

    /** At which the reference is as sure of what it says as the policy is when training begins. */
    private final double referenceTemperature;

    /**
     * What policies learn from.
     *
     * @param actor trained in place; closed with PPO
     * @param reference stays the caller's, as the reward model does
     * @param usual what phrases cost nothing
     */
    public record Models(
            CheckpointConfig config, Weights actor, Weights reference, RewardModel reward, Phrases.Usual usual) {}

    private Ppo(
            Models models,
            Baseline baseline,
            int replies,
            Rollouts rollouts,
            List<int[]> prompts,
            PpoConfig config,
            long seed) {
        this.policy = new Transformer(models.config());
        this.actor = new Parameters(models.actor(), Parameters.AdamW.PPO);
        this.baseline = baseline;
        this.reference = models.reference();
        this.reward = models.reward();
        this.usual = models.usual();
        this.device = models.actor().device();
        this.replies = replies;
        this.rollouts = rollouts;
        this.prompts = List.copyOf(prompts);
        this.config = config;
        this.seed = seed;
        this.referenceTemperature = config.temperature() / Sharpening.of(models.actor(), models.reference());
    }

    /** With a critic that starts from the reward model. */
    public static Ppo withCritic(Models models, Rollouts rollouts, List<int[]> prompts, PpoConfig config, long seed) {
        Critic critic = new Critic(models.config(), models.reward(), config.update());
        return new Ppo(models, critic, 1, rollouts, prompts, config, seed);
    }

    /** RLOO: several replies to each prompt, each against the others. */
    public static Ppo leavingOneOut(
            Models models, Rollouts rollouts, List<int[]> prompts, PpoConfig config, long seed) {
        int replies = config.replies();
        return new Ppo(models, new LeaveOneOut(replies), replies, rollouts, prompts, config, seed);
    }

    @Override
    public int steps() {
        return config.steps();
    }

    @Override
    public boolean exceededBy(Map<String, Double> metrics) {
        return config.exceededBy(metrics);
    }

    @Override
    public List<Parameters> trained() {
        return Stream.concat(Stream.of(actor), baseline.trained().stream()).toList();
    }

    /** One update: sample, score, penalize, estimate advantages, train. */
    @Override
    public Map<String, Double> step(int step) {
        long start = System.nanoTime();
        List<Rollout> sampled = sampled(step);
        long sampledAt = System.nanoTime();

        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put("response/distinct", Rollouts.distinct(sampled, replies));
        List<List<Experience.Valued>> experience = valued(experience(sampled, metrics), metrics);
        long scoredAt = System.nanoTime();

        double rate = LearningRate.linear(
                config.update().learningRate(),
                step,
                config.steps(),
                config.update().warmupSteps(),
                config.update().lastLearningRate());
        train(experience, rate, metrics);
        metrics.put("lr", rate);
        metrics.put("episode", (double) (step + 1) * sampled.size());
        metrics.put("time/rollouts", (sampledAt - start) / 1e9);
        metrics.put("time/scoring", (scoredAt - sampledAt) / 1e9);
        metrics.put("time/training", (System.nanoTime() - scoredAt) / 1e9);
        return finite(metrics, step);
    }

    private static Map<String, Double> finite(Map<String, Double> metrics, int step) {
        metrics.forEach((name, value) -> {
            if (!Double.isFinite(value)) {
                throw new TrainingCollapsedException("%s is not finite at step %d".formatted(name, step));
            }
        });
        return metrics;
    }

    private List<Rollout> sampled(int step) {
        Random random = new Random(seed * 1_000_003 + step);
        List<int[]> asked = new ArrayList<>();
        while (asked.size() + replies <= config.rollouts()) {
            int[] prompt = prompts.get(random.nextInt(prompts.size()));
            for (int i = 0; i < replies; i++) {
                asked.add(prompt);
            }
        }
        Sampling sampling = Sampling.at(config.temperature(), config.completionTokensMax(), random.nextLong());
        return rollouts.sample(actor.weights(), asked, sampling);
    }

    @Override
    public Map<String, Double> outcome() {
        List<Rollout> sampled = sampled(steps());
        double kl = Rollouts.divergence(
                policy,
                reference,
                sampled,
                referenceTemperature,
                config.update().batchTokens());
        return finite(Map.of("response/distinct", Rollouts.distinct(sampled, replies), "objective/kl", kl), steps());
    }

    /** What a reply is worth, before its divergence is counted. */
    private record Worth(RewardScorer.Score score, double reward) {}

    private List<Worth> worth(List<Rollout> sampled) {
        List<Sample> samples = sampled.stream().map(Rollout::sample).toList();
        List<RewardScorer.Score> scores = reward.score(samples);
        Phrases phrases = Phrases.of(samples);
        List<Worth> worth = new ArrayList<>();
        for (int i = 0; i < scores.size(); i++) {
            double alone = config.reward().of(scores.get(i), sampled.get(i).ended());
            double excess = phrases.excess(samples.get(i), usual);
            worth.add(new Worth(scores.get(i), alone - config.reward().phrasePenalty() * excess));
        }
        return worth;
    }

    /** What the rollouts amount to, by minibatches; each is as mixed as all of them are. */
    private List<List<Experience>> experience(List<Rollout> sampled, Map<String, Double> metrics) {
        List<Worth> worth = worth(sampled);
        StepTotals totals = new StepTotals();
        List<List<Experience>> minibatches = new ArrayList<>();
        int asked = sampled.size() / replies;
        int count = Math.min(config.update().minibatches(), asked);
        for (int i = 0; i < count; i++) {
            int from = asked * i / count * replies;
            int to = asked * (i + 1) / count * replies;
            minibatches.add(experience(sampled, worth, from, to, totals));
        }
        totals.report(metrics, config.reward().klPenalty());
        if (totals.gap() > GAP_MAX) {
            throw new TrainingCollapsedException(
                    "engine and trainer disagree by %.3f nats a token".formatted(totals.gap()));
        }
        return minibatches;
    }

    /** Of the replies {@code from} to {@code to}; those to one prompt are computed together, and share it. */
    private List<Experience> experience(List<Rollout> sampled, List<Worth> worth, int from, int to, StepTotals totals) {
        List<Experience> experience = new ArrayList<>();
        List<Sample> samples =
                sampled.subList(from, to).stream().map(Rollout::sample).toList();
        List<List<Integer>> together = IntStream.range(0, samples.size() / replies)
                .mapToObj(i ->
                        IntStream.range(i * replies, (i + 1) * replies).boxed().toList())
                .toList();
        for (MicroBatch batch : MicroBatch.packTogether(
                samples, together, device.batchTokens(config.update().batchTokens()))) {
            float[] old = policy.logProbabilities(actor.weights(), batch, config.temperature());
            float[] reference = policy.logProbabilities(this.reference, batch, referenceTemperature);
            double[] rewards = new double[batch.replyTokens()];
            float[] weights = new float[batch.replyTokens()];
            int[] numbers = new int[batch.size()];
            for (int row = 0; row < batch.size(); row++) {
                numbers[row] = from + batch.index(row);
                Rollout rollout = sampled.get(numbers[row]);
                int first = batch.offset(row);
                for (int t = first; t < batch.offset(row + 1); t++) {
                    double divergence = old[t] - reference[t];
                    rewards[t] = -config.reward().klPenalty() * divergence;
                    double gap = old[t] - rollout.logProbabilities()[t - first];
                    weights[t] = (float) Math.clamp(Math.exp(gap), .5, 2.0);
                    totals.token(divergence, old[t], gap);
                }
                Worth whole = worth.get(numbers[row]);
                rewards[batch.offset(row + 1) - 1] += whole.reward();
                totals.reply(
                        whole.score(),
                        whole.reward(),
                        rollout.ended(),
                        rollout.sample().replyLength());
            }
            experience.add(new Experience(batch, numbers, old, rewards, weights));
        }
        return experience;
    }

    private List<List<Experience.Valued>> valued(List<List<Experience>> minibatches, Map<String, Double> metrics) {
        List<Advantages> advantages =
                baseline.advantages(minibatches.stream().flatMap(List::stream).toList());
        metrics.put("val/explained_variance", Advantages.explainedVariance(advantages));
        Advantages.whiten(advantages);
        List<List<Experience.Valued>> valued = new ArrayList<>();
        int next = 0;
        for (List<Experience> minibatch : minibatches) {
            int from = next;
            valued.add(IntStream.range(0, minibatch.size())
                    .mapToObj(i -> new Experience.Valued(minibatch.get(i), advantages.get(from + i)))
                    .toList());
            next += minibatch.size();
        }
        return valued;
    }

    /** Passes over the minibatches, until the policy has moved as far as a batch of rollouts can tell anything about. */
    private void train(List<List<Experience.Valued>> minibatches, double rate, Map<String, Double> metrics) {
        StepChanges changes = new StepChanges(config.update().clip());
        boolean near = true;
        for (int epoch = 0; near && epoch < config.update().epochs(); epoch++) {
            boolean critical = epoch < config.update().criticEpochs();
            for (int i = 0; near && i < minibatches.size(); i++) {
                near = update(minibatches.get(i), rate, changes);
                if (critical) {
                    changes.valued(baseline.update(minibatches.get(i), rate));
                }
            }
        }
        changes.report(metrics);
    }

    /** One update; false where the policy is too far from the one that sampled, and its update was left out. */
    private boolean update(List<Experience.Valued> minibatch, double rate, StepChanges changes) {
        int tokens = minibatch.stream()
                .mapToInt(each -> each.experience().batch().replyTokens())
                .sum();
        float[][] found = new float[minibatch.size()][];
        float[][] old = new float[minibatch.size()][];
        for (int i = 0; i < found.length; i++) {
            found[i] = backward(minibatch.get(i), tokens);
            old[i] = minibatch.get(i).experience().old();
        }
        boolean near = changes.add(found, old) <= config.update().divergenceMax();
        if (near) {
            actor.update(rate);
        } else {
            actor.forget();
        }
        return near;
    }

    /** Adds the gradients of the policy's loss; the log-probabilities that it saw. */
    private float[] backward(Experience.Valued valued, int tokens) {
        Experience experience = valued.experience();
        int count = experience.batch().replyTokens();
        try (PointerScope _ = Torch.scope()) {
            Tensor old = Torch.floats(device, experience.old(), count);
            Tensor advantages = Torch.floats(device, valued.advantages().advantages(), count);
            Tensor weights = Torch.floats(device, experience.weights(), count);
            return policy.backward(
                    actor.weights(),
                    experience.batch(),
                    config.temperature(),
                    (logProbabilities, from, to) -> PpoLoss.policy(
                            logProbabilities,
                            old.narrow(0, from, to - from),
                            advantages.narrow(0, from, to - from),
                            weights.narrow(0, from, to - from),
                            config.update().clip(),
                            tokens));
        }
    }

    @Override
    public void close() {
        baseline.close();
        actor.close();
        actor.weights().close();
        policy.close();
    }
}
