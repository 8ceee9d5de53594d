package dev.bellwether.trainer.objective;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.engine.Completion;
import dev.bellwether.policy.engine.GenerationEngine;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.Weights;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.bytedeco.javacpp.PointerScope;

/** Replies sampled through the engine that serves, from weights that are only in memory. */
public final class Rollouts {
    private static final Duration TIMEOUT = Duration.ofMinutes(30);

    private final Checkpoint origin;

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
        List<Completion> completions;
        try (PointerScope _ = new PointerScope()) {
            Checkpoint model = weights.inMemory(origin.directory(), origin.config());
            completions = GenerationEngine.generateAll(model, prompts, sampling, TIMEOUT);
        }
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
}
