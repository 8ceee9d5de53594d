package dev.bellwether.trainer.reward;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.checkpoint.RewardScale;
import dev.bellwether.policy.engine.RewardScorer.Score;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.Constants;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.Transformer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Scores replies with several heads over one transformer.
 *
 * <p>Scores are shifted and scaled so that the replies which it was calibrated on have mean 0 and deviation 1.
 */
public final class RewardModel implements AutoCloseable {
    private static final double HEAD_DEVIATION = .01;

    private final NDManager manager;
    private final Transformer model;
    private final Parameters parameters;
    private final int batchTokens;
    private RewardScale scale = RewardScale.NONE;

    public RewardModel(
            NDManager manager, CheckpointConfig config, Constants constants, Parameters.State state, int batchTokens) {
        this.manager = manager;
        this.model = new Transformer(config, constants);
        this.parameters = new Parameters(manager, state, Parameters.AdamW.FINE_TUNING);
        this.batchTokens = batchTokens;
    }

    /** The parameters of a policy with small random heads in place of its own head. */
    public static float[] fromPolicy(CheckpointConfig policy, float[] weights, int heads, Pooling pooling, long seed) {
        int body = policy.asRewardModel(1, pooling).flatSize() - policy.hiddenSize();
        float[] initial = Arrays.copyOf(weights, body + heads * policy.hiddenSize());
        Random random = new Random(seed);
        for (int i = body; i < initial.length; i++) {
            initial[i] = (float) (random.nextGaussian() * HEAD_DEVIATION);
        }
        return initial;
    }

    Parameters parameters() {
        return parameters;
    }

    public float[] weights() {
        return parameters.toArray();
    }

    public int heads() {
        return model.config().labels();
    }

    public RewardScale scale() {
        return scale;
    }

    public void scale(RewardScale value) {
        scale = value;
    }

    /** Takes mean and deviation of {@code replies} as the new scale. */
    public void calibrate(List<Sample> replies) {
        scale = RewardScale.NONE;
        double[] scores = score(replies).stream().mapToDouble(Score::mean).toArray();
        double mean = Arrays.stream(scores).average().orElse(0);
        double variance = Arrays.stream(scores)
                .map(x -> (x - mean) * (x - mean))
                .average()
                .orElse(1);
        scale = new RewardScale(mean, Math.max(1e-3, Math.sqrt(variance)));
    }

    public List<Score> score(List<Sample> replies) {
        return Arrays.stream(rewards(replies))
                .map(heads -> Score.of(heads, scale))
                .toList();
    }

    /** Raw rewards, {@code [replies][heads]}. */
    public float[][] rewards(List<Sample> replies) {
        float[][] rewards = new float[replies.size()][];
        for (MicroBatch batch : MicroBatch.pack(replies, 2 * batchTokens)) {
            try (NDManager step = manager.newSubManager()) {
                float[] flat = pooled(parameters.frozen(step), batch, step).toFloatArray();
                for (int row = 0; row < batch.size(); row++) {
                    rewards[batch.index(row)] = Arrays.copyOfRange(flat, row * heads(), (row + 1) * heads());
                }
            }
        }
        return rewards;
    }

    /** {@code [size, heads]}: the heads over each reply's pooled state. */
    NDArray pooled(NDArray flat, MicroBatch batch, NDManager step) {
        NDList weights = model.split(flat);
        weights.attach(step);
        NDArray hidden = model.hidden(weights, batch.ids(step), batch.size(), batch.length());
        NDArray states = model.config().pooling() == Pooling.MEAN
                ? batch.meanOfReply(step).matMul(hidden)
                : hidden.get(batch.lastTokens(step));
        return states.matMul(weights.get(weights.size() - 1).transpose());
    }

    @Override
    public void close() {
        parameters.close();
    }
}
