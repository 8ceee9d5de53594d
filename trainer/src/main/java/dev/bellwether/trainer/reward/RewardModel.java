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
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Scores replies with several heads over one transformer, and with how {@linkplain Relevance relevant} they are as far as
 * people's judgements ask for it.
 *
 * <p>Scores are shifted and scaled so that the replies which it was calibrated on have mean 0 and deviation 1.
 */
public final class RewardModel implements AutoCloseable {
    /** The heads' name. */
    public static final String HEAD = "score.weight";

    private final Transformer model;
    private final Weights weights;
    private final int batchTokens;
    private final @Nullable Relevance relevance;
    private Relevance.Term relevanceTerm = Relevance.Term.NONE;
    private RewardScale scale = RewardScale.NONE;
    private RewardScale headScale = RewardScale.NONE;

    /**
     * One that is its heads alone.
     *
     * @param weights closed with the model
     */
    public RewardModel(CheckpointConfig config, Weights weights, int batchTokens) {
        this(config, weights, batchTokens, Optional.empty());
    }

    /**
     * The same.
     *
     * @param relevance of which rewards may hold some, as people's judgements say
     */
    public RewardModel(CheckpointConfig config, Weights weights, int batchTokens, Optional<Relevance> relevance) {
        this.relevance = relevance.orElse(null);
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

    /** Of all that rewards are. */
    public RewardScale scale() {
        return scale;
    }

    /** Of the heads alone, which is what is published. */
    public RewardScale headScale() {
        return headScale;
    }

    /** What relevance adds to rewards. */
    public Relevance.Term relevanceTerm() {
        return relevanceTerm;
    }

    void relevanceTerm(Relevance.Term term) {
        relevanceTerm = term;
    }

    Optional<Relevance> relevance() {
        return Optional.ofNullable(relevance);
    }

    /** Takes mean and deviation of {@code replies} as the new scale. */
    public void calibrate(List<Sample> replies) {
        scale = scaleOf(rewards(replies));
        headScale = scaleOf(headRewards(replies));
    }

    private static RewardScale scaleOf(float[]... rewards) {
        double[] scores = Arrays.stream(rewards)
                .mapToDouble(heads -> Score.of(heads, RewardScale.NONE).mean())
                .toArray();
        double mean = Arrays.stream(scores).average().orElse(0);
        double variance = Arrays.stream(scores)
                .map(x -> (x - mean) * (x - mean))
                .average()
                .orElse(1);
        return new RewardScale(mean, Math.max(1e-3, Math.sqrt(variance)));
    }

    /** What a model of these weights is besides them, for {@link #standing(double...)} of another. */
    public double[] standing() {
        return new double[] {
            scale.mean(),
            scale.deviation(),
            headScale.mean(),
            headScale.deviation(),
            relevanceTerm.weight(),
            relevanceTerm.usual(),
            relevanceTerm.most()
        };
    }

    /** Takes what {@link #standing()} gave, or mean and deviation alone. */
    public void standing(double... known) {
        scale = new RewardScale(known[0], known[1]);
        boolean whole = known.length > 2;
        headScale = whole ? new RewardScale(known[2], known[3]) : scale;
        relevanceTerm = whole ? new Relevance.Term(known[4], known[5], known[6]) : Relevance.Term.NONE;
    }

    public List<Score> score(List<Sample> replies) {
        return Arrays.stream(rewards(replies))
                .map(heads -> Score.of(heads, scale))
                .toList();
    }

    /** Raw rewards, {@code [replies][heads]}. */
    public float[][] rewards(List<Sample> replies) {
        float[][] rewards = headRewards(replies);
        if (relevance != null && relevanceTerm.weight() > 0) {
            double[] nats = relevance.of(replies);
            for (int i = 0; i < nats.length; i++) {
                float added = (float) relevanceTerm.of(nats[i]);
                for (int head = 0; head < rewards[i].length; head++) {
                    rewards[i][head] += added;
                }
            }
        }
        return rewards;
    }

    /** What the heads say, {@code [replies][heads]}. */
    float[][] headRewards(List<Sample> replies) {
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
