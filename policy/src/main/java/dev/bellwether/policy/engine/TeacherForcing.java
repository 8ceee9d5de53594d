package dev.bellwether.policy.engine;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** What a model thinks of given replies: several are read at once, each step all of their next tokens. */
final class TeacherForcing {
    /** Of prompts that are read together. */
    private static final int PADDED_TOKENS_MAX = 512;

    private TeacherForcing() {}

    /** A prompt, which is not empty, and what follows it, in tokens. */
    record Sample(int[] prompt, int[] reply) {
        int length() {
            return prompt.length + reply.length;
        }
    }

    /**
     * The log-probability of each reply's tokens at temperature 1, in the order of the samples.
     *
     * @param slots of the session
     */
    static float[][] logProbabilities(DecoderSession session, int slots, int vocabularySize, List<Sample> samples) {
        float[][] result = new float[samples.size()][];
        float[] logits = new float[vocabularySize];
        // The longest replies first, so that the rows which are over are the last ones.
        List<Integer> order = IntStream.range(0, samples.size())
                .boxed()
                .sorted(Comparator.comparingInt((Integer i) -> samples.get(i).reply().length)
                        .reversed())
                .toList();
        int from = 0;
        while (from < order.size()) {
            int to = from + 1;
            int longest = samples.get(order.get(from)).prompt().length;
            while (to < order.size() && to - from < slots) {
                longest = Math.max(longest, samples.get(order.get(to)).prompt().length);
                if (longest * (to + 1 - from) > PADDED_TOKENS_MAX) {
                    break;
                }
                to++;
            }
            List<Sample> rows =
                    order.subList(from, to).stream().map(samples::get).toList();
            float[][] found = rows.stream()
                    .map(sample -> new float[sample.reply().length])
                    .toArray(float[][]::new);
            read(session, rows, logits, found);
            for (int row = 0; row < found.length; row++) {
                result[order.get(from + row)] = found[row];
            }
            from = to;
        }
        return result;
    }

    private static void read(DecoderSession session, List<Sample> rows, float[] logits, float[][] found) {
        session.prefill(0, rows.stream().map(Sample::prompt).toList());
        int count = rows.size();
        int[] tokens = new int[count];
        int[] held = new int[count];
        while (count > 0 && rows.get(count - 1).reply().length == 0) {
            count--;
        }
        for (int t = 0; count > 0; t++) {
            for (int row = 0; row < count; row++) {
                session.logits(row, logits);
                tokens[row] = rows.get(row).reply()[t];
                held[row] = rows.get(row).prompt().length + t;
                found[row][t] = logProbability(logits, tokens[row]);
            }
            while (count > 0 && rows.get(count - 1).reply().length == t + 1) {
                count--;
            }
            if (count > 0) {
                session.decode(count, tokens, held);
            }
        }
    }

    private static float logProbability(float[] logits, int token) {
        double top = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            top = Math.max(top, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - top);
        }
        return (float) (logits[token] - top - Math.log(sum));
    }
}
