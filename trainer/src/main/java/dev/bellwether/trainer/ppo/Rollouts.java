package dev.bellwether.trainer.ppo;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.engine.Completion;
import dev.bellwether.policy.engine.GenerationEngine;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Replies sampled through the engine that serves, from weights that are only in memory. */
public final class Rollouts {
    private static final Duration TIMEOUT = Duration.ofMinutes(30);

    private final CheckpointConfig config;
    private final Path scratch;

    /**
     * @param scratch folder for the weights that the engine reads; emptied each time
     */
    public Rollouts(CheckpointConfig config, Path scratch) {
        this.config = config;
        this.scratch = scratch;
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
    public List<Rollout> sample(Weights weights, List<int[]> prompts, Sampling sampling) throws IOException {
        Files.createDirectories(scratch);
        Files.deleteIfExists(scratch.resolve("model.safetensors"));
        weights.write(scratch, config, NumberFormat.F32);
        List<Completion> completions =
                GenerationEngine.generateAll(Checkpoint.open(scratch), prompts, sampling, TIMEOUT);
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
