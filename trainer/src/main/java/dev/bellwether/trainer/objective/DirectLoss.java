package dev.bellwether.trainer.objective;

import dev.bellwether.trainer.dataset.Sample;
import java.util.List;

/**
 * A loss on how much likelier a policy finds replies than its reference does, learned from what people said without a
 * reward model between.
 *
 * @param <E> a piece of evidence
 */
interface DirectLoss<E> {
    /** The replies that the loss of {@code batch} is about, in an order of its own. */
    List<Sample> replies(List<E> batch);

    /**
     * The loss and its slopes.
     *
     * @param ratios log π(y|x) − log π_ref(y|x) of each of the batch's replies, in nats
     * @param slopes takes d loss / d ratio of each; 0 where it stays
     */
    double of(List<E> batch, double[] ratios, double[] slopes);

    /** The share of {@code batch} on whose side the policy is. */
    double accuracy(List<E> batch, double[] ratios);
}
