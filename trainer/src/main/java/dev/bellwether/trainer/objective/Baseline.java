package dev.bellwether.trainer.objective;

import dev.bellwether.trainer.model.Parameters;
import java.util.List;

/** What replies are expected to be worth; what one is worth beyond that is its advantage. */
interface Baseline extends AutoCloseable {
    /** Those of all replies of a step, in the order of {@code step}. */
    List<Advantages> advantages(List<Experience> step);

    /** Learns from a minibatch; gives the loss before. */
    double update(List<Experience.Valued> minibatch, double learningRate);

    /** What {@link #update} changes. */
    List<Parameters> trained();

    @Override
    void close();
}
