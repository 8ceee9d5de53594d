package dev.bellwether.trainer.reward;

import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.checkpoint.RewardScale;
import dev.bellwether.policy.engine.RewardScorer.Score;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.tensor.Torch;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Scores replies with several heads over one transformer.
 *
 * <p>Scores are shifted and scaled so that the replies which it was calibrated on have mean 0 and deviation 1.
 */
public final class RewardModel implements AutoCloseable {
    /** The heads' name. */
    public static final String HEAD = "score.weight";

    private final Transformer model;
    private final Weights weights;
    private final int batchTokens;
    private RewardScale scale = RewardScale.NONE;

    /**
     * @param weights closed with the model
     */
    public RewardModel(CheckpointConfig config, Weights weights, int batchTokens) {
        this.model = new Transformer(config);
        this.weights = weights;
        this.batchTokens = weights.device().batchTokens(batchTokens);
    }

    Transformer model() {
        return model;
    }

    public Weights weights() {
        return weights;
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
            try (PointerScope _ = Torch.scope();
                    NoGradGuard _ = new NoGradGuard()) {
                Tensor states = model.hidden(weights, batch);
                float[] flat = Torch.toArray(rewards(batch, states));
                for (int row = 0; row < batch.size(); row++) {
                    rewards[batch.index(row)] = Arrays.copyOfRange(flat, row * heads(), (row + 1) * heads());
                }
            }
        }
        return rewards;
    }

    /**
     * The heads over each reply's pooled state, {@code [size, heads]}.
     *
     * @param states {@code [rows, length, hiddenSize]}
     */
    Tensor rewards(MicroBatch batch, Tensor states) {
        Tensor rows = states.flatten(0, 1).to(ScalarType.Float);
        Tensor pooled = model.config().pooling() == Pooling.MEAN
                ? batch.meanOfReply(weights.device()).matmul(rows)
                : rows.index_select(0, batch.lastTokens(weights.device()));
        return torch.linear(pooled, weights.get(HEAD));
    }

    @Override
    public void close() {
        model.close();
        weights.close();
    }
}
