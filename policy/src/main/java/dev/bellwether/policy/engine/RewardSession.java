package dev.bellwether.policy.engine;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** A loaded reward model; one thread at a time. */
final class RewardSession implements AutoCloseable {
    private final OrtEnvironment environment = OnnxSession.ENVIRONMENT;
    private final CheckpointConfig config;
    private final OrtSession session;
    private final int batchTokens;

    /**
     * A prompt and a reply laid end to end.
     *
     * @param promptLength tokens that are the prompt, which is read but not pooled
     */
    record Row(int[] tokens, int promptLength) {
        static Row of(int[] prompt, int[] reply) {
            int[] tokens = Arrays.copyOf(prompt, prompt.length + reply.length);
            System.arraycopy(reply, 0, tokens, prompt.length, reply.length);
            return new Row(tokens, prompt.length);
        }

        int length() {
            return tokens.length;
        }
    }

    private RewardSession(CheckpointConfig config, OrtSession session, int batchTokens) {
        this.config = config;
        this.session = session;
        this.batchTokens = batchTokens;
    }

    /**
     * Loads the model.
     *
     * @param positions longest row in tokens
     * @param batchTokens padded tokens that are read at once, or one row
     */
    static RewardSession open(Checkpoint checkpoint, int positions, int batchTokens, int threads) {
        OrtSession session = OnnxSession.open(checkpoint, OnnxGraph.rewardModel(checkpoint, positions), threads);
        return new RewardSession(checkpoint.config(), session, batchTokens);
    }

    /** Raw rewards {@code [rows][heads]}, in the order of the rows. */
    float[][] rewards(List<Row> rows) {
        float[][] rewards = new float[rows.size()][];
        int[] shortestFirst = IntStream.range(0, rows.size())
                .boxed()
                .sorted(Comparator.comparingInt(i -> rows.get(i).length()))
                .mapToInt(Integer::intValue)
                .toArray();
        int from = 0;
        while (from < shortestFirst.length) {
            int to = from + 1;
            while (to < shortestFirst.length
                    && (to + 1L - from) * rows.get(shortestFirst[to]).length() <= batchTokens) {
                to++;
            }
            int[] batch = Arrays.copyOfRange(shortestFirst, from, to);
            float[] flat = run(Arrays.stream(batch).mapToObj(rows::get).toList());
            for (int row = 0; row < batch.length; row++) {
                rewards[batch[row]] = Arrays.copyOfRange(flat, row * config.labels(), (row + 1) * config.labels());
            }
            from = to;
        }
        return rewards;
    }

    private float[] run(List<Row> rows) {
        int length = rows.getLast().length();
        long[] ids = new long[rows.size() * length];
        int[] lengths = new int[rows.size()];
        float[] pool = new float[rows.size() * length];
        for (int i = 0; i < rows.size(); i++) {
            Row row = rows.get(i);
            for (int t = 0; t < row.length(); t++) {
                ids[i * length + t] = row.tokens()[t];
            }
            lengths[i] = row.length() - 1;
            int pooledFrom = config.pooling() == Pooling.MEAN ? row.promptLength() : row.length() - 1;
            float share = 1f / (row.length() - pooledFrom);
            Arrays.fill(pool, i * length + pooledFrom, i * length + row.length(), share);
        }
        return run(ids, lengths, pool, rows.size(), length);
    }

    private float[] run(long[] ids, int[] lengths, float[] pool, int rows, int length) {
        long[] shape = {rows, length};
        try (OnnxTensor idTensor = OnnxTensor.createTensor(environment, LongBuffer.wrap(ids), shape);
                OnnxTensor lengthTensor =
                        OnnxTensor.createTensor(environment, IntBuffer.wrap(lengths), new long[] {rows});
                OnnxTensor totalTensor =
                        OnnxTensor.createTensor(environment, IntBuffer.wrap(new int[] {length}), new long[] {});
                OnnxTensor poolTensor =
                        OnnxTensor.createTensor(environment, FloatBuffer.wrap(pool), new long[] {rows, length, 1});
                OrtSession.Result result = session.run(
                        Map.of("ids", idTensor, "lengths", lengthTensor, "total", totalTensor, "pool", poolTensor))) {
            float[] rewards = new float[rows * config.labels()];
            ((OnnxTensor) result.get("rewards").orElseThrow()).getFloatBuffer().get(rewards);
            return rewards;
        } catch (OrtException e) {
            throw new IllegalStateException("ONNX Runtime failed: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        OnnxSession.close(session);
    }
}
