package dev.bellwether.trainer.sft;

import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.LearningRate;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.bytedeco.pytorch.Scalar;

/** Teaches a policy replies by next-token loss on the replies' tokens alone. */
public final class SupervisedFineTuning {
    /** Dialogues that are sorted by length together, so that batches are full and still random. */
    private static final int POOL = 2_048;

    /** Of few steps so many-th part warms up at most. */
    private static final int WARMUP_PART = 10;

    private final Transformer model;
    private final SftConfig config;

    public SupervisedFineTuning(Transformer model, SftConfig config) {
        this.model = model;
        this.config = config;
    }

    /** Where training stands after a step. */
    public record Progress(int step, int steps, double loss, double learningRate, int tokens) {}

    /** Trains {@code parameters} in place. */
    public void train(Parameters parameters, List<Sample> samples, Consumer<Progress> listener) {
        train(parameters, samples, listener, _ -> {});
    }

    /**
     * Which pass the weights are of.
     *
     * @param pass from 1
     * @param loss on what was held out, in nats a token
     */
    public record Best(int pass, double loss) {}

    /** Trains {@code parameters} in place; of several passes those weights stay that have the least loss on {@code heldOut}. */
    public Best train(Parameters parameters, List<Sample> samples, List<Sample> heldOut, Consumer<Progress> listener) {
        Weights weights = parameters.weights();
        if (config.epochs() == 1) {
            train(parameters, samples, listener);
            return new Best(1, evaluate(weights, heldOut));
        }
        List<Best> best = new ArrayList<>();
        try (Weights kept = weights.copy()) {
            train(parameters, samples, listener, pass -> {
                double loss = evaluate(weights, heldOut);
                if (best.isEmpty() || loss < best.getLast().loss()) {
                    best.add(new Best(pass, loss));
                    kept.take(weights);
                }
            });
            weights.take(kept);
        }
        return best.getLast();
    }

    /** {@code passed} hears of each pass over the samples, from 1, when it is over. */
    private void train(Parameters parameters, List<Sample> samples, Consumer<Progress> listener, IntConsumer passed) {
        Random random = new Random(config.seed());
        List<List<MicroBatch>> passes = new ArrayList<>();
        for (int epoch = 0; epoch < config.epochs(); epoch++) {
            passes.add(batches(samples, random));
        }
        int steps = passes.stream().mapToInt(List::size).sum();
        int warmup = Math.min(config.warmupSteps(), Math.ceilDiv(steps, WARMUP_PART));
        int step = 0;
        for (int epoch = 0; epoch < passes.size(); epoch++) {
            for (MicroBatch batch : passes.get(epoch)) {
                double rate = LearningRate.cosine(config.learningRate(), step, steps, warmup);
                double loss = step(parameters, batch, rate);
                step++;
                listener.accept(new Progress(step, steps, loss, rate, batch.rows() * batch.length()));
            }
            passed.accept(epoch + 1);
        }
    }

    private List<MicroBatch> batches(List<Sample> samples, Random random) {
        List<Sample> order = new ArrayList<>(samples);
        Collections.shuffle(order, random);
        List<MicroBatch> all = new ArrayList<>();
        for (int start = 0; start < order.size(); start += POOL) {
            List<MicroBatch> pool = new ArrayList<>(
                    MicroBatch.pack(order.subList(start, Math.min(order.size(), start + POOL)), config.batchTokens()));
            Collections.shuffle(pool, random);
            all.addAll(pool);
        }
        return all;
    }

    private double step(Parameters parameters, MicroBatch batch, double learningRate) {
        int tokens = batch.replyTokens();
        float[] found = model.backward(
                parameters.weights(),
                batch,
                config.temperature(),
                (logProbabilities, _, _) -> logProbabilities.sum().mul(new Scalar(-1.0 / tokens)));
        parameters.update(learningRate);
        return -sum(found) / tokens;
    }

    /** Mean loss for each reply token of {@code samples}, in nats; its exponential is the perplexity. */
    public double evaluate(Weights weights, List<Sample> samples) {
        double sum = 0;
        long tokens = 0;
        for (MicroBatch batch : MicroBatch.pack(samples, config.batchTokens())) {
            sum -= sum(model.logProbabilities(weights, batch, config.temperature()));
            tokens += batch.replyTokens();
        }
        return sum / tokens;
    }

    private static double sum(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += value;
        }
        return sum;
    }
}
