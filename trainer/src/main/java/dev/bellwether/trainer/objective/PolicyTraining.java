package dev.bellwether.trainer.objective;

import dev.bellwether.trainer.model.Parameters;
import java.util.List;
import java.util.Map;

/** A policy in training, step by step. What is random in a step depends on the seed and on its number alone. */
public interface PolicyTraining extends AutoCloseable {
    int steps();

    /**
     * Trains in place.
     *
     * @param step from 0
     * @return metrics under their usual names
     * @throws dev.bellwether.trainer.model.TrainingCollapsedException when something is not finite, or engine and
     *     trainer disagree
     */
    Map<String, Double> step(int step);

    /**
     * What the policy says after the last step, as far as {@link #exceededBy} asks for it; nothing where training samples no
     * replies.
     *
     * @return metrics under their usual names
     */
    Map<String, Double> outcome();

    /** Whether what a step saw, or the outcome, is out of bounds, so that neither it nor the update before it counts. */
    boolean exceededBy(Map<String, Double> metrics);

    /** All that is trained, with its optimizer's state; the policy first. */
    List<Parameters> trained();

    @Override
    void close();
}
