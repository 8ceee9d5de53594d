package dev.bellwether.trainer.objective;

import dev.bellwether.trainer.dataset.MicroBatch;

/**
 * Replies of a step that are computed together, token by token as in {@code batch}.
 *
 * @param replies the number, in the step, of each of the batch's replies
 * @param old log-probabilities under the policy that sampled them
 * @param rewards what each token brings: its divergence from the reference, and the last one the reply's score
 * @param weights of a token's loss: how much likelier the trainer finds it than the engine did
 */
record Experience(MicroBatch batch, int[] replies, float[] old, double[] rewards, float[] weights) {

    /** An experience with what its replies turned out to be worth. */
    record Valued(Experience experience, Advantages advantages) {}
}
