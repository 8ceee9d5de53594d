package dev.bellwether.trainer.objective;

import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.model.Parameters;
import java.util.Arrays;
import java.util.List;

/**
 * A reply's baseline is the mean of what the other replies to its prompt are worth; nothing is trained for it.
 *
 * @see <a href="https://arxiv.org/abs/2402.14740">Ahmadian et al.: Back to Basics: Revisiting REINFORCE Style
 *     Optimization for Learning from Human Feedback in LLMs</a>
 */
final class LeaveOneOut implements Baseline {
    private final int replies;

    /**
     * @param replies to each prompt, which follow one another in a step
     */
    LeaveOneOut(int replies) {
        this.replies = replies;
    }

    @Override
    public List<Advantages> advantages(List<Experience> step) {
        int count = step.stream().mapToInt(each -> each.replies().length).sum();
        double[] worth = new double[count];
        for (Experience each : step) {
            MicroBatch batch = each.batch();
            for (int row = 0; row < batch.size(); row++) {
                worth[each.replies()[row]] = Arrays.stream(each.rewards(), batch.offset(row), batch.offset(row + 1))
                        .sum();
            }
        }
        double[] expected = expected(worth, replies);
        return step.stream().map(each -> advantages(each, worth, expected)).toList();
    }

    /** The mean of the others of each {@code replies} numbers that follow one another. */
    static double[] expected(double[] worth, int replies) {
        double[] expected = new double[worth.length];
        for (int first = 0; first < worth.length; first += replies) {
            double sum = Arrays.stream(worth, first, first + replies).sum();
            for (int i = first; i < first + replies; i++) {
                expected[i] = (sum - worth[i]) / (replies - 1);
            }
        }
        return expected;
    }

    private static Advantages advantages(Experience experience, double[] worth, double[] expected) {
        MicroBatch batch = experience.batch();
        float[] advantages = new float[batch.replyTokens()];
        float[] values = new float[advantages.length];
        float[] returns = new float[advantages.length];
        for (int row = 0; row < batch.size(); row++) {
            int reply = experience.replies()[row];
            int from = batch.offset(row);
            int to = batch.offset(row + 1);
            Arrays.fill(advantages, from, to, (float) (worth[reply] - expected[reply]));
            Arrays.fill(values, from, to, (float) expected[reply]);
            Arrays.fill(returns, from, to, (float) worth[reply]);
        }
        return new Advantages(advantages, values, returns);
    }

    @Override
    public double update(List<Experience.Valued> minibatch, double learningRate) {
        return 0;
    }

    @Override
    public List<Parameters> trained() {
        return List.of();
    }

    @Override
    public void close() {
        // Nothing is held.
    }
}
