package dev.bellwether.policy.engine;

import dev.bellwether.policy.checkpoint.Checkpoint;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** How well a model foretells text: e to the mean of the tokens' negative log-probabilities. */
public final class Perplexity {
    private static final int ROWS = 32;

    private Perplexity() {}

    /**
     * Of every token of {@code sequences} but each one's first.
     *
     * @param threads of one step
     */
    public static double of(Checkpoint checkpoint, List<int[]> sequences, Precision precision, int threads) {
        List<int[]> longestFirst = sequences.stream()
                .filter(sequence -> sequence.length > 1)
                .sorted(Comparator.comparingInt((int[] sequence) -> sequence.length)
                        .reversed())
                .toList();
        if (longestFirst.isEmpty()) {
            throw new IllegalArgumentException("there is no sequence of two tokens or more");
        }
        int positions = longestFirst.getFirst().length;
        double sum = 0;
        long count = 0;
        try (DecoderSession session = DecoderSession.open(checkpoint, ROWS, positions, threads, precision)) {
            float[] logits = new float[checkpoint.config().vocabularySize()];
            for (int from = 0; from < longestFirst.size(); from += ROWS) {
                List<int[]> batch = longestFirst.subList(from, Math.min(longestFirst.size(), from + ROWS));
                sum += surprise(session, batch, logits);
                count += batch.stream()
                        .mapToLong(sequence -> sequence.length - 1L)
                        .sum();
            }
        }
        return Math.exp(sum / count);
    }

    /** The sum over all tokens but the first; of rows, the longest first, those leave that are over. */
    private static double surprise(DecoderSession session, List<int[]> batch, float[] logits) {
        double sum = 0;
        int rows = batch.size();
        int[] tokens = new int[rows];
        int[] held = new int[rows];
        for (int t = 0; t + 1 < batch.getFirst().length; t++) {
            while (batch.get(rows - 1).length <= t + 1) {
                rows--;
            }
            for (int row = 0; row < rows; row++) {
                tokens[row] = batch.get(row)[t];
            }
            Arrays.fill(held, t);
            session.decode(rows, tokens, held);
            for (int row = 0; row < rows; row++) {
                session.logits(row, logits);
                sum -= GoldenCases.logProbability(logits, batch.get(row)[t + 1]);
            }
        }
        return sum;
    }
}
