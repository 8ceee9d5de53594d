package dev.bellwether.policy.engine;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.onnx.ElementType;
import dev.bellwether.policy.onnx.NativeMemory;
import dev.bellwether.policy.onnx.OnnxBinding;
import dev.bellwether.policy.onnx.OnnxTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * A loaded model with its cache; one thread at a time.
 *
 * <p>After each call what was found for a row is read by {@link #logits} or {@link #probabilities}. A step of the same
 * rows as one before writes numbers into memory that is bound already and makes nothing anew.
 */
final class DecoderSession implements AutoCloseable {
    private final ModelSession session;
    private final KeyValueCache cache;
    private final NativeMemory memory = new NativeMemory();
    private final int vocabularySize;

    private final MemorySegment ids;
    private final MemorySegment last;
    private final MemorySegment lengths;
    private final MemorySegment total;
    private final MemorySegment inverseTemperatures;
    private final MemorySegment logits;
    private final MemorySegment probabilities;

    /** Of decoding steps, by their number of rows less one. */
    private final OnnxBinding[] steps;

    private DecoderSession(Checkpoint checkpoint, ModelSession session, int slots, int positions, Precision precision) {
        this.session = session;
        this.vocabularySize = checkpoint.config().vocabularySize();
        this.steps = new OnnxBinding[slots];
        KeyValueCache opened = null;
        try {
            opened = new KeyValueCache(checkpoint.config(), precision.cacheType(), slots, positions);
            ids = memory.allocate((long) slots * positions * Long.BYTES);
            last = memory.allocate((long) slots * Long.BYTES);
            lengths = memory.allocate((long) slots * Integer.BYTES);
            total = memory.allocate(Integer.BYTES);
            inverseTemperatures = memory.allocate((long) slots * Float.BYTES);
            logits = memory.allocate((long) slots * vocabularySize * Float.BYTES);
            probabilities = memory.allocate((long) slots * vocabularySize * Float.BYTES);
        } catch (RuntimeException | Error e) {
            memory.close();
            if (opened != null) {
                opened.close();
            }
            throw e;
        }
        this.cache = opened;
    }

    /**
     * Loads a model.
     *
     * @param slots sequences that it can hold at once
     * @param positions tokens of the longest
     */
    static DecoderSession open(Checkpoint checkpoint, int slots, int positions, int threads, Precision precision) {
        ModelSession session =
                ModelSession.open(checkpoint, OnnxGraph.languageModel(checkpoint, positions, precision), threads);
        try {
            return new DecoderSession(checkpoint, session, slots, positions, precision);
        } catch (RuntimeException | Error e) {
            session.close();
            throw e;
        }
    }

    KeyValueCache cache() {
        return cache;
    }

    /** Reads whole prompts into {@code prompts.size()} slots from {@code first} on. */
    void prefill(int first, List<int[]> prompts) {
        int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
        for (int row = 0; row < prompts.size(); row++) {
            int[] prompt = prompts.get(row);
            for (int t = 0; t < longest; t++) {
                setId((long) row * longest + t, t < prompt.length ? prompt[t] : 0);
            }
            setRow(row, prompt.length - 1, prompt.length - 1);
        }
        read(first, prompts.size(), longest, longest);
    }

    /** Reads {@code tokens[from … to)} into slot {@code slot}, which holds those before already. */
    void extend(int slot, int[] tokens, int from, int to) {
        for (int t = from; t < to; t++) {
            setId(t - from, tokens[t]);
        }
        setRow(0, to - from - 1, to - 1);
        read(slot, 1, to - from, to);
    }

    private void read(int first, int rows, int length, int longest) {
        try (OnnxBinding binding = bound(first, rows, length)) {
            run(binding, longest);
        }
    }

    /**
     * One decoding step of slots {@code [0, rows)}.
     *
     * @param tokens the last token of each row
     * @param held tokens that each row's cache held before this step
     */
    void decode(int rows, int[] tokens, int[] held) {
        int longest = 0;
        for (int row = 0; row < rows; row++) {
            setId(row, tokens[row]);
            setRow(row, 0, held[row]);
            longest = Math.max(longest, held[row] + 1);
        }
        OnnxBinding binding = steps[rows - 1];
        if (binding == null) {
            binding = bound(0, rows, 1);
            steps[rows - 1] = binding;
        }
        run(binding, longest);
    }

    private void setId(long at, int token) {
        ids.setAtIndex(ValueLayout.JAVA_LONG, at, token);
    }

    private void setRow(int row, int lastState, int tokensLessOne) {
        last.setAtIndex(ValueLayout.JAVA_LONG, row, lastState);
        lengths.setAtIndex(ValueLayout.JAVA_INT, row, tokensLessOne);
    }

    private OnnxBinding bound(int first, int rows, int length) {
        OnnxBinding binding = session.binding();
        try {
            input(binding, "ids", ids, ElementType.INT64, rows, length);
            input(binding, "last", last, ElementType.INT64, rows, 1);
            input(binding, "lengths", lengths, ElementType.INT32, rows);
            input(binding, "total", total, ElementType.INT32);
            input(binding, "inverse_temperature", inverseTemperatures, ElementType.FLOAT32, rows, 1);
            output(binding, "logits", logits, rows);
            output(binding, "probabilities", probabilities, rows);
            cache.bind(binding, first, rows);
            return binding;
        } catch (RuntimeException | Error e) {
            binding.close();
            throw e;
        }
    }

    private static void input(OnnxBinding binding, String name, MemorySegment memory, ElementType type, long... shape) {
        try (OnnxTensor tensor = tensor(memory, type, shape)) {
            binding.input(name, tensor);
        }
    }

    private void output(OnnxBinding binding, String name, MemorySegment memory, int rows) {
        try (OnnxTensor tensor = tensor(memory, ElementType.FLOAT32, rows, vocabularySize)) {
            binding.output(name, tensor);
        }
    }

    private static OnnxTensor tensor(MemorySegment memory, ElementType type, long... shape) {
        long bytes = type.bytes();
        for (long dimension : shape) {
            bytes *= dimension;
        }
        return OnnxTensor.over(memory.asSlice(0, bytes), type, shape);
    }

    private void run(OnnxBinding binding, int longest) {
        total.set(ValueLayout.JAVA_INT, 0, longest);
        binding.run();
    }

    /** By what the logits of row {@code row} are multiplied, from the next call on, before they become probabilities. */
    void temper(int row, float inverseTemperature) {
        inverseTemperatures.setAtIndex(ValueLayout.JAVA_FLOAT, row, inverseTemperature);
    }

    /** Copies what the last call found for its row {@code row} into {@code into [vocabularySize]}. */
    void logits(int row, float[] into) {
        copy(logits, row, into);
    }

    /** The same of the probabilities, at the row's temperature. */
    void probabilities(int row, float[] into) {
        copy(probabilities, row, into);
    }

    private void copy(MemorySegment rows, int row, float[] into) {
        long at = (long) row * vocabularySize * Float.BYTES;
        MemorySegment.copy(rows, ValueLayout.JAVA_FLOAT, at, into, 0, vocabularySize);
    }

    @Override
    public void close() {
        for (OnnxBinding step : steps) {
            if (step != null) {
                step.close();
            }
        }
        try {
            session.close();
        } finally {
            cache.close();
            memory.close();
        }
    }
}
