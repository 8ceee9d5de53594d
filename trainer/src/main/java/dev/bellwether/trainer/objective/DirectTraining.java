package dev.bellwether.trainer.objective;

import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.dataset.Vote;
import dev.bellwether.trainer.model.LearningRate;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.TrainingCollapsedException;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.tensor.Torch;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * Trains a policy on what people said, without replies of its own: by DPO or KTO.
 *
 * @param <E> a piece of evidence
 */
public final class DirectTraining<E> implements PolicyTraining {
    private static final double WARMUP = .1;

    private final Transformer policy;
    private final Parameters actor;
    private final Weights reference;
    private final DirectLoss<E> loss;
    private final List<E> evidence;
    private final DirectConfig config;
    private final int stepsInEpoch;
    private final long seed;

    DirectTraining(
            CheckpointConfig policy,
            Parameters actor,
            Weights reference,
            DirectLoss<E> loss,
            List<E> evidence,
            DirectConfig config,
            long seed) {
        this.policy = new Transformer(policy);
        this.actor = actor;
        this.reference = reference;
        this.loss = loss;
        this.evidence = List.copyOf(evidence);
        this.config = config;
        this.stepsInEpoch = Math.ceilDiv(evidence.size(), config.batch());
        this.seed = seed;
    }

    /**
     * Direct preference optimization.
     *
     * @param actor trained in place; closed with the training
     * @param reference stays the caller's
     */
    public static PolicyTraining dpo(
            CheckpointConfig policy,
            Weights actor,
            Weights reference,
            List<Comparison> comparisons,
            DirectConfig config,
            long seed) {
        DpoLoss loss = new DpoLoss(config.beta(), config.smoothing());
        return new DirectTraining<>(policy, parameters(actor), reference, loss, comparisons, config, seed);
    }

    /** Kahneman-Tversky optimization, likewise. */
    public static PolicyTraining kto(
            CheckpointConfig policy,
            Weights actor,
            Weights reference,
            List<Comparison> comparisons,
            List<Vote> votes,
            DirectConfig config,
            long seed) {
        List<KtoLoss.Judged> judged = KtoLoss.judged(comparisons, votes, config.voteWeight());
        return new DirectTraining<>(
                policy, parameters(actor), reference, new KtoLoss(config.beta()), judged, config, seed);
    }

    private static Parameters parameters(Weights actor) {
        return new Parameters(actor, Parameters.AdamW.FINE_TUNING);
    }

    @Override
    public int steps() {
        return config.epochs() * stepsInEpoch;
    }

    @Override
    public Map<String, Double> outcome() {
        return Map.of();
    }

    /** Never: there are no replies of its own to see it by; the gate samples some. */
    @Override
    public boolean exceededBy(Map<String, Double> metrics) {
        return false;
    }

    @Override
    public List<Parameters> trained() {
        return List.of(actor);
    }

    @Override
    public Map<String, Double> step(int step) {
        long start = System.nanoTime();
        double rate = LearningRate.cosine(config.learningRate(), step, steps(), (int) Math.ceil(WARMUP * steps()));
        Map<String, Double> metrics = backward(batch(step));
        metrics.put("gradient/norm", actor.update(rate));
        metrics.put("lr", rate);
        metrics.put("episode", (double) Math.min((step + 1) * config.batch(), evidence.size() * config.epochs()));
        metrics.put("time/training", (System.nanoTime() - start) / 1e9);
        metrics.forEach((name, value) -> {
            if (!Double.isFinite(value)) {
                throw new TrainingCollapsedException("%s is not finite at step %d".formatted(name, step));
            }
        });
        return metrics;
    }

    private List<E> batch(int step) {
        List<E> order = new ArrayList<>(evidence);
        Collections.shuffle(order, new Random(seed * 1_000_003 + step / stepsInEpoch));
        int part = step % stepsInEpoch;
        int from = (int) ((long) order.size() * part / stepsInEpoch);
        int to = (int) ((long) order.size() * (part + 1) / stepsInEpoch);
        return order.subList(from, to);
    }

    /** Adds the gradients of the loss of a batch to those of the policy. */
    Map<String, Double> backward(List<E> batch) {
        List<Sample> replies = loss.replies(batch);
        double[] ratios = ratios(replies);
        double[] slopes = new double[ratios.length];
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put("loss/policy_avg", loss.of(batch, ratios, slopes));
        metrics.put("rewards/accuracy", loss.accuracy(batch, ratios));
        backward(replies, slopes);
        return metrics;
    }

    /** How much likelier the policy finds each reply than its reference does. */
    private double[] ratios(List<Sample> replies) {
        double[] ratios = new double[replies.size()];
        for (MicroBatch batch :
                MicroBatch.pack(replies, actor.weights().device().batchTokens(config.batchTokens()))) {
            float[] ours = policy.logProbabilities(actor.weights(), batch, config.temperature());
            float[] theirs = policy.logProbabilities(reference, batch, config.temperature());
            for (int row = 0; row < batch.size(); row++) {
                for (int t = batch.offset(row); t < batch.offset(row + 1); t++) {
                    ratios[batch.index(row)] += ours[t] - theirs[t];
                }
            }
        }
        return ratios;
    }

    private void backward(List<Sample> replies, double... slopes) {
        List<Sample> moved = new ArrayList<>();
        List<Float> moving = new ArrayList<>();
        for (int i = 0; i < slopes.length; i++) {
            if (slopes[i] != 0) {
                moved.add(replies.get(i));
                moving.add((float) slopes[i]);
            }
        }
        for (MicroBatch batch : MicroBatch.pack(moved, actor.weights().device().batchTokens(config.batchTokens()))) {
            float[] weights = new float[batch.replyTokens()];
            for (int row = 0; row < batch.size(); row++) {
                for (int t = batch.offset(row); t < batch.offset(row + 1); t++) {
                    weights[t] = moving.get(batch.index(row));
                }
            }
            try (PointerScope _ = Torch.scope()) {
                Tensor byToken = Torch.floats(actor.weights().device(), weights, weights.length);
                policy.backward(
                        actor.weights(),
                        batch,
                        config.temperature(),
                        (logProbabilities, from, to) -> logProbabilities
                                .mul(byToken.narrow(0, from, to - from))
                                .sum());
            }
        }
    }

    @Override
    public void close() {
        actor.close();
        actor.weights().close();
        policy.close();
    }
}
