package dev.bellwether.trainer.ppo;

import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.engine.RewardScorer;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.LearningRate;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.Pass;
import dev.bellwether.trainer.model.TrainingCollapsedException;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.ppo.Rollouts.Rollout;
import dev.bellwether.trainer.reward.RewardModel;
import dev.bellwether.trainer.tensor.Autocast;
import dev.bellwether.trainer.tensor.ComputeDevice;
import dev.bellwether.trainer.tensor.Torch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Proximal policy optimization: {@link #step} is the algorithm.
 *
 * @see <a href="https://arxiv.org/abs/1707.06347">Schulman et al.: Proximal Policy Optimization Algorithms</a>
 * @see <a href="https://arxiv.org/abs/1909.08593">Ziegler et al.: Fine-Tuning Language Models from Human Preferences</a>
 */
public final class Ppo implements AutoCloseable {
    private static final double GAP_MAX = .5;

    private final Transformer policy;
    private final Transformer valueModel;
    private final Parameters actor;
    private final Parameters critic;
    private final Weights reference;
    private final RewardModel reward;
    private final Rollouts rollouts;
    private final List<int[]> prompts;
    private final PpoConfig config;
    private final long seed;
    private final ComputeDevice device;

    /**
     * What PPO works on.
     *
     * @param actor trained in place; closed with PPO
     * @param critic the reward model with the mean of its heads, scaled as its scores are; trained in place, and closed
     * @param reference stays the caller's, as the reward model does
     */
    public record Models(
            CheckpointConfig config, Weights actor, Weights critic, Weights reference, RewardModel reward) {
        /**
         * A critic that starts from the reward model.
         *
         * @param origin the reference
         */
        public static Models start(CheckpointConfig config, Weights actor, Weights origin, RewardModel reward) {
            CheckpointConfig oneHead = config.asRewardModel(1, Pooling.MEAN);
            return new Models(
                    config,
                    actor,
                    reward.weights().withMeanHead(oneHead, reward.scale().deviation()),
                    origin,
                    reward);
        }
    }

    public Ppo(Models models, Rollouts rollouts, List<int[]> prompts, PpoConfig config, long seed) {
        this.policy = new Transformer(models.config());
        this.valueModel = new Transformer(models.config().asRewardModel(1, Pooling.MEAN));
        this.actor = new Parameters(models.actor(), Parameters.AdamW.PPO);
        this.critic = new Parameters(models.critic(), Parameters.AdamW.PPO);
        this.reference = models.reference();
        this.reward = models.reward();
        this.device = models.actor().device();
        this.rollouts = rollouts;
        this.prompts = List.copyOf(prompts);
        this.config = config;
        this.seed = seed;
    }

    /** What a step's rollouts amount to, token by token; rows as in {@code batch}. */
    private record Experience(
            MicroBatch batch, float[] oldLogProbabilities, float[] values, Advantages advantages, float[] weights) {}

    /** The policy in training, with its optimizer's state. */
    public Parameters actor() {
        return actor;
    }

    /** The critic in training, with its optimizer's state. */
    public Parameters critic() {
        return critic;
    }

    /**
     * One update: sample, score, penalize, estimate advantages, train. What is random depends on the seed and the
     * step alone, so a resumed run equals one that was never interrupted.
     *
     * @return metrics under their usual names
     * @throws TrainingCollapsedException when something is not finite or engine and trainer disagree
     */
    public Map<String, Double> step(int step) {
        long start = System.nanoTime();
        Random random = new Random(seed * 1_000_003 + step);
        List<int[]> asked = new ArrayList<>();
        for (int i = 0; i < config.rollouts(); i++) {
            asked.add(prompts.get(random.nextInt(prompts.size())));
        }
        Sampling sampling = Sampling.at(config.temperature(), config.completionTokensMax(), random.nextLong());
        List<Rollout> sampled = rollouts.sample(actor.weights(), asked, sampling);
        long sampledAt = System.nanoTime();

        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put("response/distinct", Rollouts.distinct(sampled));
        List<List<Experience>> experience = experience(sampled, metrics);
        long scoredAt = System.nanoTime();

        double rate = LearningRate.linear(
                config.update().learningRate(),
                step,
                config.steps(),
                config.update().warmupSteps(),
                config.update().lastLearningRate());
        train(experience, rate, metrics);
        metrics.put("lr", rate);
        metrics.put("episode", (double) (step + 1) * config.rollouts());
        metrics.put("time/rollouts", (sampledAt - start) / 1e9);
        metrics.put("time/scoring", (scoredAt - sampledAt) / 1e9);
        metrics.put("time/training", (System.nanoTime() - scoredAt) / 1e9);
        metrics.forEach((name, value) -> {
            if (!Double.isFinite(value)) {
                throw new TrainingCollapsedException("%s is not finite at step %d".formatted(name, step));
            }
        });
        return metrics;
    }

    /** What the rollouts amount to, by minibatches; each is as mixed as all of them are. */
    private List<List<Experience>> experience(List<Rollout> sampled, Map<String, Double> metrics) {
        List<RewardScorer.Score> scores =
                reward.score(sampled.stream().map(Rollout::sample).toList());
        Totals totals = new Totals();
        List<List<Experience>> minibatches = new ArrayList<>();
        int count = Math.min(config.update().minibatches(), sampled.size());
        for (int i = 0; i < count; i++) {
            int from = sampled.size() * i / count;
            int to = sampled.size() * (i + 1) / count;
            minibatches.add(experience(sampled.subList(from, to), scores.subList(from, to), totals));
        }
        totals.report(metrics, config.reward().klPenalty());
        List<Experience> all = minibatches.stream().flatMap(List::stream).toList();
        metrics.put(
                "val/explained_variance",
                Advantages.explainedVariance(
                        all.stream().map(Experience::values).toList(),
                        all.stream().map(each -> each.advantages().returns()).toList()));
        if (metrics.getOrDefault("gap/mean", 0.0) > GAP_MAX) {
            throw new TrainingCollapsedException(
                    "engine and trainer disagree by %.3f nats a token".formatted(metrics.get("gap/mean")));
        }
        Advantages.whiten(
                all.stream().map(each -> each.advantages().advantages()).toList());
        return minibatches;
    }

    private List<Experience> experience(List<Rollout> sampled, List<RewardScorer.Score> scores, Totals totals) {
        List<Experience> experience = new ArrayList<>();
        List<Sample> samples = sampled.stream().map(Rollout::sample).toList();
        for (MicroBatch batch : MicroBatch.pack(samples, config.update().batchTokens())) {
            float[] old = logProbabilities(actor.weights(), batch);
            float[] reference = logProbabilities(this.reference, batch);
            float[] values = values(batch);
            float[] advantages = new float[batch.replyTokens()];
            float[] returns = new float[batch.replyTokens()];
            float[] weights = new float[batch.replyTokens()];
            for (int row = 0; row < batch.size(); row++) {
                Rollout rollout = sampled.get(batch.index(row));
                RewardScorer.Score score = scores.get(batch.index(row));
                int from = batch.offset(row);
                int length = batch.offset(row + 1) - from;
                double clipped = config.reward().of(score, rollout.ended());
                double[] rewards = new double[length];
                for (int t = 0; t < length; t++) {
                    double divergence = old[from + t] - reference[from + t];
                    rewards[t] = -config.reward().klPenalty() * divergence;
                    double gap = old[from + t] - rollout.logProbabilities()[t];
                    weights[from + t] = (float) Math.clamp(Math.exp(gap), .5, 2.0);
                    totals.token(divergence, old[from + t], gap);
                }
                rewards[length - 1] += clipped;
                Advantages estimated = Advantages.estimate(
                        rewards,
                        Arrays.copyOfRange(values, from, from + length),
                        config.update().gamma(),
                        config.update().lambda());
                System.arraycopy(estimated.advantages(), 0, advantages, from, length);
                System.arraycopy(estimated.returns(), 0, returns, from, length);
                totals.reply(score, clipped, rollout.ended());
            }
            experience.add(new Experience(batch, old, values, new Advantages(advantages, returns), weights));
        }
        return experience;
    }

    private float[] logProbabilities(Weights weights, MicroBatch batch) {
        return policy.logProbabilities(weights, batch, config.temperature());
    }

    private float[] values(MicroBatch batch) {
        try (PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard();
                Autocast _ = new Autocast(device)) {
            float[] raw = Torch.toArray(values(critic.weights(), batch, valueModel.hidden(critic.weights(), batch)));
            for (int i = 0; i < raw.length; i++) {
                raw[i] -= (float) valueOffset();
            }
            return raw;
        }
    }

    private double valueOffset() {
        return reward.scale().mean() / reward.scale().deviation();
    }

    /** The head's mean over the reply so far: for a whole reply, what the reward model that it starts from gives. */
    static Tensor values(Weights critic, MicroBatch batch, Tensor states) {
        Tensor rows = states.flatten(0, 1).to(ScalarType.Float).index_select(0, batch.positions(critic.device()));
        Tensor heads = torch.linear(rows, critic.get(RewardModel.HEAD));
        return batch.meanSoFar(critic.device()).matmul(heads).flatten();
    }

    /** Passes over the minibatches, until the policy has moved as far as a batch of rollouts can tell anything about. */
    private void train(List<List<Experience>> minibatches, double rate, Map<String, Double> metrics) {
        Changes changes = new Changes();
        for (int epoch = 0; epoch < config.update().epochs(); epoch++) {
            boolean critical = epoch < config.update().criticEpochs();
            for (List<Experience> minibatch : minibatches) {
                if (!update(minibatch, rate, critical, changes)) {
                    changes.report(metrics);
                    return;
                }
            }
        }
        changes.report(metrics);
    }

    /** One update; false where the policy is too far from the one that sampled, and its update was left out. */
    private boolean update(List<Experience> minibatch, double rate, boolean critical, Changes changes) {
        int tokens =
                minibatch.stream().mapToInt(each -> each.batch().replyTokens()).sum();
        double divergence = 0;
        int clipped = 0;
        double valueLoss = 0;
        for (Experience each : minibatch) {
            float[] logProbabilities = backwardPolicy(each, tokens);
            for (int i = 0; i < logProbabilities.length; i++) {
                double logRatio = logProbabilities[i] - each.oldLogProbabilities()[i];
                divergence += Math.exp(logRatio) - 1 - logRatio;
                clipped += Math.abs(Math.exp(logRatio) - 1) > config.update().clip() ? 1 : 0;
            }
            if (critical) {
                valueLoss += backwardValue(each, tokens);
            }
        }
        boolean near = divergence / tokens <= config.update().divergenceMax();
        if (near) {
            actor.update(rate);
        } else {
            actor.forget();
        }
        if (critical) {
            critic.update(rate);
            changes.valued(valueLoss);
        }
        changes.add(tokens, divergence, clipped);
        return near;
    }

    /** How far the policy moves in a step's updates: means over tokens as each update found them. */
    private static final class Changes {
        private long tokens;
        private double divergence;
        private long clipped;
        private double valueLoss;
        private int valued;
        private int updates;

        private void add(int tokens, double divergence, int clipped) {
            this.tokens += tokens;
            this.divergence += divergence;
            this.clipped += clipped;
            updates++;
        }

        private void valued(double loss) {
            valueLoss += loss;
            valued++;
        }

        private void report(Map<String, Double> metrics) {
            metrics.put("loss/value_avg", valued == 0 ? 0 : valueLoss / valued);
            metrics.put("policy/approxkl_avg", divergence / tokens);
            metrics.put("policy/clipfrac_avg", clipped / (double) tokens);
            metrics.put("policy/updates", (double) updates);
        }
    }

    /** Adds the gradients of the policy's loss; the log-probabilities that it saw. */
    private float[] backwardPolicy(Experience experience, int tokens) {
        int count = experience.batch().replyTokens();
        try (PointerScope _ = new PointerScope()) {
            Tensor old = Torch.floats(device, experience.oldLogProbabilities(), count);
            Tensor advantages = Torch.floats(device, experience.advantages().advantages(), count);
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

    /** Adds the gradients of the critic's loss, and gives the loss. */
    private double backwardValue(Experience experience, int tokens) {
        MicroBatch batch = experience.batch();
        try (PointerScope _ = new PointerScope()) {
            Tensor old = shifted(experience.values());
            Tensor returns = shifted(experience.advantages().returns());
            Pass pass = valueModel.forward(critic.weights(), batch);
            Tensor values = values(critic.weights(), batch, pass.states());
            Tensor loss = PpoLoss.value(values, old, returns, config.update().valueClip(), tokens);
            loss.backward();
            pass.backward();
            return loss.item_double();
        }
    }

    /** As the critic's head gives them, which knows nothing of the scores' mean. */
    private Tensor shifted(float[] values) {
        return Torch.floats(device, values, values.length).add(new Scalar(valueOffset()));
    }

    @Override
    public void close() {
        actor.close();
        critic.close();
        actor.weights().close();
        critic.weights().close();
        policy.close();
        valueModel.close();
    }

    /** Sums over a step's replies and tokens. */
    private static final class Totals {
        private int replies;
        private int tokens;
        private int ended;
        private double divergence;
        private double surprise;
        private double gap;
        private double score;
        private double spread;
        private double clipped;

        private void token(double divergence, double logProbability, double gap) {
            tokens++;
            this.divergence += divergence;
            this.surprise -= logProbability;
            this.gap += Math.abs(gap);
        }

        private void reply(RewardScorer.Score score, double clipped, boolean ended) {
            replies++;
            this.score += score.mean();
            this.spread += score.spread();
            this.clipped += clipped;
            this.ended += ended ? 1 : 0;
        }

        private void report(Map<String, Double> metrics, double klPenalty) {
            metrics.put("objective/kl", divergence / replies);
            metrics.put("objective/entropy", surprise / replies);
            metrics.put("objective/scores", score / replies);
            metrics.put("objective/spread", spread / replies);
            metrics.put("objective/non_score_reward", -klPenalty * divergence / replies);
            metrics.put("objective/rlhf_reward", (clipped - klPenalty * divergence) / replies);
            metrics.put("policy/entropy_avg", surprise / tokens);
            metrics.put("val/num_eos_tokens", (double) ended);
            metrics.put("response/length", tokens / (double) replies);
            metrics.put("gap/mean", gap / tokens);
        }
    }
}
