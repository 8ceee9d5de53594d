package dev.bellwether.policy.engine;

import java.time.Duration;

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
}
