package dev.bellwether.policy.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.onnx.ElementType;
import dev.bellwether.policy.onnx.OnnxBinding;
import dev.bellwether.policy.onnx.OnnxDevice;
import dev.bellwether.policy.onnx.OnnxTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** A loaded reward model; one thread at a time. */
final class RewardSession implements AutoCloseable {
    private final CheckpointConfig config;
    private final ModelSession session;
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

    private RewardSession(CheckpointConfig config, ModelSession session, int batchTokens) {
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
        ModelSession session =
                ModelSession.open(checkpoint, OnnxGraph.rewardModel(checkpoint, positions), threads, OnnxDevice.CPU);
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
        float[] rewards = new float[rows * config.labels()];
        try (Arena arena = Arena.ofConfined();
                OnnxBinding binding = session.binding()) {
            input(binding, "ids", arena.allocateFrom(JAVA_LONG, ids), ElementType.INT64, rows, length);
            input(binding, "lengths", arena.allocateFrom(JAVA_INT, lengths), ElementType.INT32, rows);
            input(binding, "total", arena.allocateFrom(JAVA_INT, length), ElementType.INT32);
            input(binding, "pool", arena.allocateFrom(JAVA_FLOAT, pool), ElementType.FLOAT32, rows, length, 1);
            MemorySegment out = arena.allocate(JAVA_FLOAT, rewards.length);
            try (OnnxTensor tensor = OnnxTensor.over(out, ElementType.FLOAT32, rows, config.labels())) {
                binding.output("rewards", tensor);
            }
            binding.run();
            MemorySegment.copy(out, JAVA_FLOAT, 0, rewards, 0, rewards.length);
        }
        return rewards;
    }

    private static void input(OnnxBinding binding, String name, MemorySegment memory, ElementType type, long... shape) {
        try (OnnxTensor tensor = OnnxTensor.over(memory, type, shape)) {
            binding.input(name, tensor);
        }
    }

    @Override
    public void close() {
        session.close();
    }
}
