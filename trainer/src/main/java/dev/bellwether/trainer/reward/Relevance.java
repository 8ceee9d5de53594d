package dev.bellwether.trainer.reward;

import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import java.util.List;

/**
 * How much likelier a policy finds replies behind their prompts than behind one that asks nothing: the pointwise mutual
 * information of the two. How a reply is worded counts in both and cancels out; what it is about is what is left.
 *
 * @see <a href="https://aclanthology.org/N16-1014/">Li et al.: A Diversity-Promoting Objective Function for Neural
 *     Conversation Models</a>
 */
public final class Relevance {
    private final Transformer policy;
    private final Weights weights;
    private final int[] nothing;
    private final int batchTokens;

    /**
     * @param weights of the policy, which stay the caller's as {@code policy} does
     * @param nothing a prompt that asks nothing
     */
    public Relevance(Transformer policy, Weights weights, int[] nothing, int batchTokens) {
        this.policy = policy;
        this.weights = weights;
        this.nothing = nothing.clone();
        this.batchTokens = weights.device().batchTokens(batchTokens);
    }

    /** Of each of {@code replies}, in nats. */
    public double[] of(List<Sample> replies) {
        double[] asked = logProbabilities(replies);
        double[] unasked = logProbabilities(
                replies.stream().map(each -> Sample.of(nothing, each.reply())).toList());
        for (int i = 0; i < asked.length; i++) {
            asked[i] -= unasked[i];
        }
        return asked;
    }

    private double[] logProbabilities(List<Sample> replies) {
        double[] whole = new double[replies.size()];
        for (MicroBatch batch : MicroBatch.pack(replies, batchTokens)) {
            float[] tokens = policy.logProbabilities(weights, batch, 1);
            for (int row = 0; row < batch.size(); row++) {
                for (int t = batch.offset(row); t < batch.offset(row + 1); t++) {
                    whole[batch.index(row)] += tokens[t];
                }
            }
        }
        return whole;
    }

    /**
     * What relevance adds to rewards: nothing more beyond what replies that please have, since what brings more and more is
     * no answer any more.
     *
     * @param weight of a nat
     * @param usual of replies in the mean, in nats; so much adds nothing
     * @param most that adds anything, in nats
     */
    public record Term(double weight, double usual, double most) {
        /** Of a model that relevance is nothing to. */
        static final Term NONE = new Term(0, 0, 0);

        double of(double nats) {
            return weight * beyondUsual(nats);
        }

        double beyondUsual(double nats) {
            return Math.min(nats, most) - usual;
        }
    }
}
