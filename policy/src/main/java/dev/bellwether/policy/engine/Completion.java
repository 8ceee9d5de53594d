package dev.bellwether.policy.engine;

import java.util.Arrays;

/**
 * What the engine generated for one request.
 *
 * @param sampled every sampled token, the one that ended the reply included
 * @param logProbabilities of the sampled tokens, at the sampling temperature
 */
public record Completion(int[] sampled, float[] logProbabilities, Finish finish) {

    /** Why a generation ended. */
    public enum Finish {
        /** The model ended its reply. */
        END,
        /** The reply reached its longest length, or the context was full. */
        LENGTH,
        /** The caller no longer wants it. */
        CANCELLED,
        /** It did not finish in time. */
        DEADLINE
    }

    /** The reply, without the token that ended it. */
    public int[] tokens() {
        return finish == Finish.END ? Arrays.copyOf(sampled, sampled.length - 1) : sampled;
    }
}
