package dev.bellwether.policy.engine;

import dev.bellwether.policy.checkpoint.Checkpoint;
import java.util.Arrays;
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
        List<TeacherForcing.Sample> samples = sequences.stream()
                .filter(sequence -> sequence.length > 1)
                .map(sequence -> new TeacherForcing.Sample(
                        Arrays.copyOf(sequence, 1), Arrays.copyOfRange(sequence, 1, sequence.length)))
                .toList();
        int positions = samples.stream()
                .mapToInt(TeacherForcing.Sample::length)
                .max()
                .orElseThrow(() -> new IllegalArgumentException("there is no sequence of two tokens or more"));
        double sum = 0;
        long count = 0;
        try (DecoderSession session = DecoderSession.open(checkpoint, ROWS, positions, threads, precision)) {
            int vocabularySize = checkpoint.config().vocabularySize();
            for (float[] each : TeacherForcing.logProbabilities(session, ROWS, vocabularySize, samples)) {
                for (float logProbability : each) {
                    sum -= logProbability;
                }
                count += each.length;
            }
        }
        return Math.exp(sum / count);
    }
}
