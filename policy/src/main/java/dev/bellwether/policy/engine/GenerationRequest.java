package dev.bellwether.policy.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A prompt to continue.
 *
 * @param timeout how long it may take, waiting included
 */
public record GenerationRequest(int[] prompt, Sampling sampling, Duration timeout) {
    public GenerationRequest {
        if (prompt.length == 0) {
            throw new IllegalArgumentException("the prompt is empty");
        }
    }

    /** One for each of {@code prompts}, the i-th drawn with the seed {@code sampling.seed() + i}. */
    static List<GenerationRequest> all(List<int[]> prompts, Sampling sampling, Duration timeout) {
        List<GenerationRequest> requests = new ArrayList<>(prompts.size());
        for (int i = 0; i < prompts.size(); i++) {
            requests.add(new GenerationRequest(prompts.get(i), sampling.withSeed(sampling.seed() + i), timeout));
        }
        return requests;
    }
}
