package dev.bellwether.trainer.sft;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.training.GradientCollector;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.LearningRate;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.Transformer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/** Teaches a policy replies by next-token loss on the replies' tokens alone. */
public final class SupervisedFineTuning {
    /** Dialogues that are sorted by length together, so that batches are full and still random. */
    private static final int POOL = 2_048;

    private final NDManager manager;
    private final Transformer model;
    private final SftConfig config;

    public SupervisedFineTuning(NDManager manager, Transformer model, SftConfig config) {
        this.manager = manager;
        this.model = model;
        this.config = config;
    }

    /** Where training stands after a step. */
    public record Progress(int step, int steps, double loss, double learningRate, int tokens) {}

    /** Trains {@code parameters} in place. */
    public void train(Parameters parameters, List<Sample> samples, Consumer<Progress> listener) {
        Random random = new Random(config.seed());
        List<MicroBatch> batches = new ArrayList<>();
        for (int epoch = 0; epoch < config.epochs(); epoch++) {
            batches.addAll(batches(samples, random));
        }
        for (int step = 0; step < batches.size(); step++) {
            double rate = LearningRate.cosine(config.learningRate(), step, batches.size(), config.warmupSteps());
            MicroBatch batch = batches.get(step);
            double loss = step(parameters, batch, rate);
            listener.accept(new Progress(step + 1, batches.size(), loss, rate, batch.size() * batch.length()));
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
        try (NDManager step = manager.newSubManager()) {
            NDArray leaf = parameters.leaf(step);
            NDArray ids = batch.ids(step);
            NDArray positions = batch.positions(step);
            NDArray targets = batch.targets(step);
            double loss;
            try (GradientCollector collector = Engine.getInstance().newGradientCollector()) {
                NDArray mean = loss(leaf, ids, positions, targets, batch);
                collector.backward(mean);
                loss = mean.getFloat();
            }
            parameters.update(leaf, learningRate);
            return loss;
        }
    }

    private NDArray loss(NDArray flat, NDArray ids, NDArray positions, NDArray targets, MicroBatch batch) {
        NDList weights = model.split(flat);
        NDArray hidden = model.hidden(weights, ids, batch.size(), batch.length());
        return model.logProbabilities(weights, hidden, positions, targets, 1)
                .mean()
                .neg();
    }

    /** Mean loss for each reply token of {@code samples}, in nats; its exponential is the perplexity. */
    public double evaluate(Parameters parameters, List<Sample> samples) {
        double sum = 0;
        long tokens = 0;
        for (MicroBatch batch : MicroBatch.pack(samples, config.batchTokens())) {
            try (NDManager step = manager.newSubManager()) {
                NDArray flat = parameters.frozen(step);
                NDArray mean = loss(flat, batch.ids(step), batch.positions(step), batch.targets(step), batch);
                sum += mean.getFloat() * batch.replyTokens();
                tokens += batch.replyTokens();
            }
        }
        return sum / tokens;
    }
}
