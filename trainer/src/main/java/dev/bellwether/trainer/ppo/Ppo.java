package dev.bellwether.trainer.ppo;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.training.GradientCollector;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.checkpoint.RewardScale;
import dev.bellwether.policy.engine.RewardScorer;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.Constants;
import dev.bellwether.trainer.model.LearningRate;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.TrainingCollapsedException;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.ppo.Rollouts.Rollout;
import dev.bellwether.trainer.reward.RewardModel;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Proximal policy optimization: {@link #step} is the algorithm.
 *
 * @see <a href="https://arxiv.org/abs/1707.06347">Schulman et al.: Proximal Policy Optimization Algorithms</a>
 * @see <a href="https://arxiv.org/abs/1909.08593">Ziegler et al.: Fine-Tuning Language Models from Human Preferences</a>
 */
public final class Ppo implements AutoCloseable {
    private static final double LOG_RATIO_MAX = 20;
    private static final double GAP_MAX = .5;

    private final NDManager manager;
    private final Transformer policy;
    private final Transformer valueModel;
    private final Parameters actor;
    private final Parameters critic;
    private final Parameters reference;
    private final RewardModel reward;
    private final Rollouts rollouts;
    private final List<int[]> prompts;
    private final PpoConfig config;
    private final long seed;

    /** What the actor and the critic start from, or go on from. */
    public record State(Parameters.State actor, Parameters.State critic, int step) {
        /** The policy itself, and a critic that starts from the reward model. */
        public static State start(CheckpointConfig policy, float[] policyWeights, RewardModel reward) {
            float[] critic = criticWeights(reward.weights(), reward.heads(), policy.hiddenSize(), reward.scale());
            return new State(Parameters.State.fresh(policyWeights), Parameters.State.fresh(critic), 0);
        }
    }

    public Ppo(
            NDManager manager,
            CheckpointConfig policyConfig,
            Constants constants,
            float[] referenceWeights,
            RewardModel reward,
            Rollouts rollouts,
            List<int[]> prompts,
            PpoConfig config,
            State state,
            long seed) {
        this.manager = manager;
        this.policy = new Transformer(policyConfig, constants);
        this.valueModel = new Transformer(policyConfig.asRewardModel(1, Pooling.MEAN), constants);
        this.actor = new Parameters(manager, state.actor(), Parameters.AdamW.PPO);
        this.critic = new Parameters(manager, state.critic(), Parameters.AdamW.PPO);
        this.reference = new Parameters(manager, referenceWeights, Parameters.AdamW.PPO);
        this.reward = reward;
        this.rollouts = rollouts;
        this.prompts = List.copyOf(prompts);
        this.config = config;
        this.seed = seed;
    }

    /** The critic's start: the reward model with the mean of its heads, scaled as its scores are. */
    private static float[] criticWeights(float[] rewardWeights, int heads, int hiddenSize, RewardScale scale) {
        int body = rewardWeights.length - heads * hiddenSize;
        float[] weights = Arrays.copyOf(rewardWeights, body + hiddenSize);
        for (int d = 0; d < hiddenSize; d++) {
            double mean = 0;
            for (int head = 0; head < heads; head++) {
                mean += rewardWeights[body + head * hiddenSize + d] / heads;
            }
            weights[body + d] = (float) (mean / scale.deviation());
        }
        return weights;
    }

    /** What a step's rollouts amount to, token by token; rows as in {@code batch}. */
    private record Experience(
            MicroBatch batch, float[] oldLogProbabilities, float[] values, Advantages advantages, float[] weights) {}

    public State state(int step) {
        return new State(actor.state(), critic.state(), step);
    }

    public float[] weights() {
        return actor.toArray();
    }

    /**
     * One update: sample, score, penalize, estimate advantages, train. What is random depends on the seed and the
     * step alone, so a resumed run equals one that was never interrupted.
     *
     * @return metrics under their usual names
     * @throws TrainingCollapsedException when something is not finite or engine and trainer disagree
     */
    public Map<String, Double> step(int step) throws IOException {
        long start = System.nanoTime();
        Random random = new Random(seed * 1_000_003 + step);
        List<int[]> asked = new ArrayList<>();
        for (int i = 0; i < config.rollouts(); i++) {
            asked.add(prompts.get(random.nextInt(prompts.size())));
        }
        Sampling sampling = Sampling.at(config.temperature(), config.completionTokensMax(), random.nextLong());
        List<Rollout> sampled = rollouts.sample(actor.toArray(), asked, sampling);
        long sampledAt = System.nanoTime();

        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put("response/distinct", Rollouts.distinct(sampled));
        List<Experience> experience = experience(sampled, metrics);
        long scoredAt = System.nanoTime();

        double rate = LearningRate.linear(
                config.learningRate(), step, config.steps(), config.warmupSteps(), config.lastLearningRate());
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

    private List<Experience> experience(List<Rollout> sampled, Map<String, Double> metrics) {
        List<Sample> samples = sampled.stream().map(Rollout::sample).toList();
        List<RewardScorer.Score> scores = reward.score(samples);
        List<Experience> experience = new ArrayList<>();
        Totals totals = new Totals();
        for (MicroBatch batch : MicroBatch.pack(samples, config.batchTokens())) {
            float[] old = logProbabilities(actor, batch);
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
                double total = score.mean() - config.uncertaintyPenalty() * score.spread();
                double clipped = Math.clamp(total, -config.scoreMax(), config.scoreMax())
                        - (rollout.ended() ? 0 : config.missingEndPenalty());
                double[] rewards = new double[length];
                for (int t = 0; t < length; t++) {
                    double divergence = old[from + t] - reference[from + t];
                    rewards[t] = -config.klPenalty() * divergence;
                    double gap = old[from + t] - rollout.logProbabilities()[t];
                    weights[from + t] = (float) Math.clamp(Math.exp(gap), .5, 2.0);
                    totals.token(divergence, old[from + t], gap);
                }
                rewards[length - 1] += clipped;
                Advantages estimated = Advantages.estimate(
                        rewards, Arrays.copyOfRange(values, from, from + length), config.gamma(), config.lambda());
                System.arraycopy(estimated.advantages(), 0, advantages, from, length);
                System.arraycopy(estimated.returns(), 0, returns, from, length);
                totals.reply(score, clipped, rollout.ended());
            }
            experience.add(new Experience(batch, old, values, new Advantages(advantages, returns), weights));
        }
        totals.report(metrics, config.klPenalty());
        metrics.put(
                "val/explained_variance",
                Advantages.explainedVariance(
                        experience.stream().map(Experience::values).toList(),
                        experience.stream()
                                .map(each -> each.advantages().returns())
                                .toList()));
        if (metrics.getOrDefault("gap/mean", 0.0) > GAP_MAX) {
            throw new TrainingCollapsedException(
                    "engine and trainer disagree by %.3f nats a token".formatted(metrics.get("gap/mean")));
        }
        Advantages.whiten(
                experience.stream().map(each -> each.advantages().advantages()).toList());
        return experience;
    }

    private float[] logProbabilities(Parameters parameters, MicroBatch batch) {
        return policy.logProbabilities(parameters, batch, config.temperature());
    }

    private float[] values(MicroBatch batch) {
        try (NDManager step = manager.newSubManager()) {
            NDList weights = valueModel.split(critic.frozen(step));
            float[] raw = values(weights, batch, batch.ids(step), batch.positions(step), batch.meanSoFar(step))
                    .toFloatArray();
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
    private NDArray values(NDList weights, MicroBatch batch, NDArray ids, NDArray positions, NDArray meanSoFar) {
        NDArray hidden = valueModel.hidden(weights, ids, batch.size(), batch.length());
        NDArray heads =
                hidden.get(positions).matMul(weights.get(weights.size() - 1).transpose());
        return meanSoFar.matMul(heads).reshape(-1);
    }

    private void train(List<Experience> experience, double rate, Map<String, Double> metrics) {
        int tokens =
                experience.stream().mapToInt(each -> each.batch().replyTokens()).sum();
        for (int epoch = 0; epoch < config.epochs(); epoch++) {
            double divergence = 0;
            double clipped = 0;
            double valueLoss = 0;
            try (NDManager whole = manager.newSubManager()) {
                NDArray actorLeaf = actor.leaf(whole);
                NDArray criticLeaf = critic.leaf(whole);
                for (Experience each : experience) {
                    float[] logRatios = backwardPolicy(whole, actorLeaf, each, tokens);
                    for (float logRatio : logRatios) {
                        divergence += Math.exp(logRatio) - 1 - logRatio;
                        clipped += Math.abs(Math.exp(logRatio) - 1) > config.clip() ? 1 : 0;
                    }
                    if (epoch < config.criticEpochs()) {
                        valueLoss += backwardValue(whole, criticLeaf, each, tokens);
                    }
                }
                actor.update(actorLeaf, rate);
                if (epoch < config.criticEpochs()) {
                    critic.update(criticLeaf, rate);
                    metrics.put("loss/value_avg", valueLoss);
                }
            }
            metrics.put("policy/approxkl_avg", divergence / tokens);
            metrics.put("policy/clipfrac_avg", clipped / tokens);
        }
    }

    /** max(−Aρ, −A·clip(ρ, 1 ± ε)) over the batch's tokens; the log-ratios it saw. */
    private float[] backwardPolicy(NDManager whole, NDArray leaf, Experience experience, int tokens) {
        MicroBatch batch = experience.batch();
        Constants constants = policy.constants();
        try (NDManager step = whole.newSubManager()) {
            NDArray ids = batch.ids(step);
            NDArray positions = batch.positions(step);
            NDArray targets = batch.targets(step);
            NDArray old = step.create(experience.oldLogProbabilities());
            NDArray advantages = step.create(experience.advantages().advantages());
            NDArray weights = step.create(experience.weights());
            NDArray logRatio;
            try (GradientCollector collector = Engine.getInstance().newGradientCollector()) {
                NDList parts = policy.split(leaf);
                parts.attach(step);
                NDArray hidden = policy.hidden(parts, ids, batch.size(), batch.length());
                logRatio = policy.logProbabilities(parts, hidden, positions, targets, config.temperature())
                        .sub(old);
                NDArray ratio = logRatio.maximum(constants.scalar(-LOG_RATIO_MAX))
                        .minimum(constants.scalar(LOG_RATIO_MAX))
                        .exp();
                NDArray clippedRatio =
                        ratio.maximum(constants.scalar(1 - config.clip())).minimum(constants.scalar(1 + config.clip()));
                NDArray objective = ratio.mul(advantages).minimum(clippedRatio.mul(advantages));
                collector.backward(objective.mul(weights).sum().neg().mul(constants.scalar(1.0 / tokens)));
            }
            return logRatio.toFloatArray();
        }
    }

    /** ½·max((V − R)², (clip(V, V_old ± ε) − R)²) over the batch's tokens. */
    private double backwardValue(NDManager whole, NDArray leaf, Experience experience, int tokens) {
        MicroBatch batch = experience.batch();
        Constants constants = policy.constants();
        try (NDManager step = whole.newSubManager()) {
            NDArray ids = batch.ids(step);
            NDArray positions = batch.positions(step);
            float[] lower = experience.values().clone();
            float[] upper = experience.values().clone();
            float[] shifted = experience.advantages().returns().clone();
            for (int i = 0; i < lower.length; i++) {
                lower[i] += (float) (valueOffset() - config.valueClip());
                upper[i] += (float) (valueOffset() + config.valueClip());
                shifted[i] += (float) valueOffset();
            }
            NDArray meanSoFar = batch.meanSoFar(step);
            NDArray low = step.create(lower);
            NDArray high = step.create(upper);
            NDArray returns = step.create(shifted);
            double loss;
            try (GradientCollector collector = Engine.getInstance().newGradientCollector()) {
                NDList parts = valueModel.split(leaf);
                parts.attach(step);
                NDArray value = values(parts, batch, ids, positions, meanSoFar);
                NDArray plain = value.sub(returns).square();
                NDArray clipped = value.maximum(low).minimum(high).sub(returns).square();
                NDArray mean = plain.maximum(clipped).sum().mul(constants.scalar(.5 / tokens));
                collector.backward(mean);
                loss = mean.getFloat();
            }
            return loss;
        }
    }

    @Override
    public void close() {
        actor.close();
        critic.close();
        reference.close();
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
