package dev.bellwether.policy.engine;

/**
 * How a reply is drawn.
 *
 * @param temperature divides the logits; 0 takes the most likely token
 * @param topP keeps the smallest set of tokens with at least this probability
 * @param topK keeps this many tokens; 0 keeps all
 * @param tokensMax the longest reply
 * @param seed of the reply's own random numbers
 */
public record Sampling(double temperature, double topP, int topK, int tokensMax, long seed) {
    public Sampling {
        if (!(temperature >= 0 && temperature <= 2)) {
            throw new IllegalArgumentException("temperature must be between 0 and 2, is " + temperature);
        }
        if (!(topP > 0 && topP <= 1)) {
            throw new IllegalArgumentException("top_p must be above 0 and at most 1, is " + topP);
        }
        if (topK < 0 || tokensMax < 1) {
            throw new IllegalArgumentException("top_k %d, at most %d tokens".formatted(topK, tokensMax));
        }
    }

    /** All tokens in play at {@code temperature}. */
    public static Sampling at(double temperature, int tokensMax, long seed) {
        return new Sampling(temperature, 1, 0, tokensMax, seed);
    }

    public Sampling withSeed(long seed) {
        return new Sampling(temperature, topP, topK, tokensMax, seed);
    }
}
