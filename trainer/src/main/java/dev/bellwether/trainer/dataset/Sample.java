package dev.bellwether.trainer.dataset;

import java.util.Arrays;

/**
 * A prompt and a reply as tokens.
 *
 * @param tokens prompt, then reply, then the end token where the reply ended by itself
 * @param promptLength number of tokens that are the prompt; the rest is what is learned or judged
 */
public record Sample(int[] tokens, int promptLength) {
    public Sample {
        if (promptLength < 1 || promptLength >= tokens.length) {
            throw new IllegalArgumentException(
                    "a sample needs a prompt and a reply: %d of %d tokens".formatted(promptLength, tokens.length));
        }
    }

    /** The sample of {@code prompt} and {@code reply} laid end to end. */
    public static Sample of(int[] prompt, int[] reply) {
        int[] tokens = Arrays.copyOf(prompt, prompt.length + reply.length);
        System.arraycopy(reply, 0, tokens, prompt.length, reply.length);
        return new Sample(tokens, prompt.length);
    }

    /** The prompt's tokens. */
    public int[] prompt() {
        return Arrays.copyOf(tokens, promptLength);
    }

    /** The reply's tokens. */
    public int[] reply() {
        return Arrays.copyOfRange(tokens, promptLength, tokens.length);
    }

    public int length() {
        return tokens.length;
    }

    /** Number of the reply's tokens. */
    public int replyLength() {
        return tokens.length - promptLength;
    }
}
