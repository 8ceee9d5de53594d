package dev.bellwether.policy.engine;

/**
 * What the engine generated for one request.
 *
 * @param tokens the reply, without the token that ended it
 * @param logProbabilities of every sampled token, the ending one included, at the sampling temperature
 */
public record Completion(int[] tokens, float[] logProbabilities, Finish finish) {

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
}
