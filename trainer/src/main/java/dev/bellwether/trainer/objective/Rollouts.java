package dev.bellwether.trainer.objective;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.engine.BulkGeneration;
import dev.bellwether.policy.engine.Completion;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.policy.onnx.OnnxDevice;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.ServedWeights;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Replies sampled through the engine that serves, from weights that are only in memory. On a GPU the engine reads the
 * trained weights where they are and stays loaded from step to step; on a processor, whose engine lays them out anew for
 * itself, it is loaded for each step.
 */
public final class Rollouts implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofMinutes(30);

    /** Lengths of prompts vary from step to step. */
    private static final int POSITIONS_APART = 256;

    private final Checkpoint origin;
    private @Nullable Loaded loaded;

    /** An engine over weights on a GPU. */
    private record Loaded(ServedWeights weights, BulkGeneration engine) implements AutoCloseable {
        @Override
        public void close() {
            engine.close();
            weights.close();
        }
    }

    /**
     * @param origin whose shape and tokenizer all weights have
     */
    public Rollouts(Checkpoint origin) {
        this.origin = origin;
    }

    /**
     * A sampled reply.
     *
     * @param sample prompt and reply, the end token included where there is one
     * @param logProbabilities of the reply's tokens as the engine computed them
     * @param ended whether the reply has its end token
     */
    public record Rollout(Sample sample, float[] logProbabilities, boolean ended) {}

    /** One reply to each of {@code prompts}, in their order. */
    public List<Rollout> sample(Weights weights, List<int[]> prompts, Sampling sampling) {
        List<Completion> completions = completions(weights, prompts, sampling);
        List<Rollout> rollouts = new ArrayList<>();
        for (int i = 0; i < prompts.size(); i++) {
            Completion completion = completions.get(i);
            rollouts.add(new Rollout(
                    Sample.of(prompts.get(i), completion.sampled()),
                    completion.logProbabilities(),
                    completion.finish() == Completion.Finish.END));
        }
        return rollouts;
    }

    private List<Completion> completions(Weights weights, List<int[]> prompts, Sampling sampling) {
        OnnxDevice device = weights.device().serving();
        if (device.cuda()) {
            try {
                return loaded(weights, prompts, sampling, device).generate(prompts, sampling, TIMEOUT);
            } catch (RuntimeException | Error e) {
                // What failed in its midst cannot be trusted to go on.
                close();
                throw e;
            }
        }
        try (ServedWeights served = new ServedWeights(weights)) {
            return BulkGeneration.generate(model(served), prompts, sampling, TIMEOUT);
        }
    }

    private BulkGeneration loaded(Weights weights, List<int[]> prompts, Sampling sampling, OnnxDevice device) {
        int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElse(1) + sampling.tokensMax();
        Loaded now = loaded;
        if (now != null
                && now.weights().of() == weights
                && longest <= now.engine().positionsMax()) {
            now.weights().update();
            return now.engine();
        }
        close();
        ServedWeights served = new ServedWeights(weights);
        try {
            int positions = Math.ceilDiv(longest, POSITIONS_APART) * POSITIONS_APART;
            BulkGeneration engine = BulkGeneration.open(model(served), prompts.size(), positions, device);
            loaded = new Loaded(served, engine);
            return engine;
        } catch (RuntimeException | Error e) {
            served.close();
            throw e;
        }
    }

    private Checkpoint model(ServedWeights served) {
        return Checkpoint.inMemory(origin.directory(), origin.config(), served);
    }

    /** Lets go of a loaded engine. */
    @Override
    public void close() {
        if (loaded != null) {
            loaded.close();
            loaded = null;
        }
    }

    /**
     * KL(policy that sampled {@code rollouts} ‖ reference), estimated from the replies themselves; nats a reply.
     *
     * @param temperature that they were sampled at
     */
    public static double divergence(
            Transformer model, Weights reference, List<Rollout> rollouts, double temperature, int batchTokens) {
        double nats = 0;
        List<Sample> samples = rollouts.stream().map(Rollout::sample).toList();
        for (MicroBatch batch : MicroBatch.pack(samples, reference.device().batchTokens(batchTokens))) {
            float[] theirs = model.logProbabilities(reference, batch, temperature);
            for (int row = 0; row < batch.size(); row++) {
                float[] sampled = rollouts.get(batch.index(row)).logProbabilities();
                for (int t = 0; t < sampled.length; t++) {
                    nats += sampled[t] - theirs[batch.offset(row) + t];
                }
            }
        }
        return nats / rollouts.size();
    }

    /** Different replies for each different prompt; far below 1 the policy says the same to everything. */
    public static double distinct(List<Rollout> rollouts) {
        Set<List<Integer>> prompts = new HashSet<>();
        Set<List<Integer>> replies = new HashSet<>();
        for (Rollout rollout : rollouts) {
            List<Integer> tokens =
                    Arrays.stream(rollout.sample().tokens()).boxed().toList();
            prompts.add(tokens.subList(0, rollout.sample().promptLength()));
            replies.add(tokens.subList(rollout.sample().promptLength(), tokens.size()));
        }
        return replies.size() / (double) prompts.size();
    }

    /** The same of the first of {@code each} replies to a prompt: several to one may well differ. */
    public static double distinct(List<Rollout> rollouts, int each) {
        return distinct(IntStream.range(0, rollouts.size() / each)
                .mapToObj(prompt -> rollouts.get(prompt * each))
                .toList());
    }
}
