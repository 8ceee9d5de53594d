package dev.bellwether.policy.engine;

import java.util.Arrays;
import java.util.Optional;

/** Which tokens the slots of a cache hold, of prompts that are read or were, and of replies to them. */
final class KeptTokens {
    /** What is shorter is read again together with others, which costs less. */
    private static final int MATCH_MIN = 64;

    private final int[][] tokens;
    private final int[] lengths;

    /** When each slot was last read into. */
    private final long[] times;

    private long time;

    KeptTokens(int slots) {
        this.tokens = new int[slots][0];
        this.lengths = new int[slots];
        this.times = new long[slots];
    }

    /** A slot that begins as a prompt does. */
    record Match(int slot, int length) {}

    /** The slot now holds the first {@code length} of {@code tokens}. */
    void hold(int slot, int[] tokens, int length) {
        this.tokens[slot] = tokens;
        this.lengths[slot] = length;
        this.times[slot] = ++time;
    }

    int length(int slot) {
        return lengths[slot];
    }

    void swap(int slot, int other) {
        int[] held = tokens[slot];
        int length = lengths[slot];
        long at = times[slot];
        tokens[slot] = tokens[other];
        lengths[slot] = lengths[other];
        times[slot] = times[other];
        tokens[other] = held;
        lengths[other] = length;
        times[other] = at;
    }

    /** Whether what {@code slot} holds had better go than what {@code other} does. */
    boolean lessWorth(int slot, int other) {
        return worth(slot) < worth(other);
    }

    /** Of the slots from {@code first} to before {@code end}, that which can best be read into anew. */
    int leastWorth(int first, int end) {
        int least = first;
        for (int slot = first + 1; slot < end; slot++) {
            if (lessWorth(slot, least)) {
                least = slot;
            }
        }
        return least;
    }

    /** What is too short for a later prompt to find its beginning there is worth nothing. */
    private long worth(int slot) {
        return lengths[slot] >= MATCH_MIN ? times[slot] : 0;
    }

    /**
     * The slot from {@code first} to before {@code end} that holds most of the prompt's beginning, at least half of it; its
     * last token is read in any case, for what follows it.
     */
    Optional<Match> match(int[] prompt, int first, int end) {
        Match best = new Match(-1, 0);
        for (int slot = first; slot < end; slot++) {
            int most = Math.min(lengths[slot], prompt.length - 1);
            if (most > best.length()) {
                int differs = Arrays.mismatch(tokens[slot], 0, most, prompt, 0, most);
                int length = differs < 0 ? most : differs;
                best = length > best.length() ? new Match(slot, length) : best;
            }
        }
        return best.length() >= Math.max(MATCH_MIN, prompt.length / 2) ? Optional.of(best) : Optional.empty();
    }
}
