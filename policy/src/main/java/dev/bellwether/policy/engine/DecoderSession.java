package dev.bellwether.policy.engine;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.onnx.OnnxBinding;
import dev.bellwether.policy.onnx.OnnxDevice;
import dev.bellwether.policy.onnx.TensorMemory;
import java.util.List;

/**
 * A loaded model with its cache; one thread at a time.
 *
 * <p>After each call what was found for a row is read by {@link #logits} or {@link #odds}. A step of the same rows as one
 * before writes numbers into memory that is bound already and makes nothing anew.
 */
final class DecoderSession implements AutoCloseable {
    /** Rows by which the steps differ that a GPU records; fewer rows differ by powers of two. */
    private static final int ROWS_APART = 32;

    private static final int WIDTHS_APART = 64;

    private final ModelSession session;
    private final KeyValueCache cache;
    private final TensorMemory memory;
    private final StepInputs inputs;
    private final StepOutputs outputs;
    private final boolean recorded;
    private final int positions;

    /** Of decoding steps, by their number of rows less one. */
    private final OnnxBinding[] steps;

    private DecoderSession(
            Checkpoint checkpoint,
            ModelSession session,
            int slots,
            int positions,
            Precision precision,
            OnnxDevice device,
            boolean asOnGpu) {
        this.session = session;
        this.recorded = asOnGpu;
        this.positions = positions;
        this.steps = new OnnxBinding[slots];
        this.memory = device.memory();
        int vocabularySize = checkpoint.config().vocabularySize();
        KeyValueCache opened = null;
        try {
            opened = new KeyValueCache(checkpoint.config(), precision.cacheType(), slots, positions, device);
            inputs = new StepInputs(device, memory, slots, positions);
            outputs = asOnGpu
                    ? new BlockedOutputs(device, memory, slots, vocabularySize)
                    : new HeldOutputs(memory, slots, vocabularySize);
        } catch (RuntimeException | Error e) {
            memory.close();
            if (opened != null) {
                opened.close();
            }
            throw e;
        }
        this.cache = opened;
    }

    /** {@link #open(Checkpoint, int, int, int, Precision, OnnxDevice)} on the processor. */
    static DecoderSession open(Checkpoint checkpoint, int slots, int positions, int threads, Precision precision) {
        return open(checkpoint, slots, positions, threads, precision, OnnxDevice.CPU);
    }

    /**
     * Loads a model.
     *
     * @param slots sequences that it can hold at once
     * @param positions tokens of the longest
     */
    static DecoderSession open(
            Checkpoint checkpoint, int slots, int positions, int threads, Precision precision, OnnxDevice device) {
        return open(checkpoint, slots, positions, threads, precision, device, device.cuda());
    }

    /**
     * The same.
     *
     * @param asOnGpu whether probabilities stay where they are computed, and steps are of a few shapes alone
     */
    static DecoderSession open(
            Checkpoint checkpoint,
            int slots,
            int positions,
            int threads,
            Precision precision,
            OnnxDevice device,
            boolean asOnGpu) {
        OnnxGraph.Model model = OnnxGraph.languageModel(checkpoint, positions, precision, asOnGpu);
        ModelSession session = ModelSession.open(checkpoint, model, threads, device);
        DecoderSession opened;
        try {
            opened = new DecoderSession(checkpoint, session, slots, positions, precision, device, asOnGpu);
        } catch (RuntimeException | Error e) {
            session.close();
            throw e;
        }
        if (device.cuda()) {
            opened.warm();
        }
        return opened;
    }

    /**
     * A GPU loads what it computes with when that is first wanted: here by one prompt of some lengths, and how it goes on.
     * Where that fails, nothing stays open.
     */
    private void warm() {
        try {
            for (int length = WIDTHS_APART; length < positions; length *= 2) {
                prefill(0, List.of(new int[length]));
                extend(0, new int[positions], length, Math.min(2 * length, positions));
            }
            decode(1, new int[1], new int[] {1});
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    KeyValueCache cache() {
        return cache;
    }

    /** Reads whole prompts into {@code prompts.size()} slots from {@code first} on. */
    void prefill(int first, List<int[]> prompts) {
        int longest =
                width(prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow());
        for (int row = 0; row < prompts.size(); row++) {
            int[] prompt = prompts.get(row);
            for (int t = 0; t < longest; t++) {
                inputs.id((long) row * longest + t, t < prompt.length ? prompt[t] : 0);
            }
            inputs.row(row, prompt.length - 1, prompt.length - 1);
        }
        read(first, prompts.size(), longest, longest);
    }

    /** Reads {@code tokens[from … to)} into slot {@code slot}, which holds those before already. */
    void extend(int slot, int[] tokens, int from, int to) {
        int width = Math.min(width(to - from), positions - from);
        for (int t = 0; t < width; t++) {
            inputs.id(t, from + t < to ? tokens[from + t] : 0);
        }
        inputs.row(0, to - from - 1, from + width - 1);
        read(slot, 1, width, from + width);
    }

    /** A GPU looks for the best way to compute each length that it has not met: they are rounded up. */
    int width(int length) {
        return recorded ? Math.min(positions, Math.ceilDiv(length, WIDTHS_APART) * WIDTHS_APART) : length;
    }

    private void read(int first, int rows, int length, int longest) {
        try (OnnxBinding binding = bound(session.binding(), first, rows, length)) {
            inputs.bring(rows * length, longest);
            binding.run();
            outputs.written(rows);
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
            inputs.id(row, tokens[row]);
            inputs.row(row, 0, held[row]);
            longest = Math.max(longest, held[row] + 1);
        }
        if (recorded) {
            decodeRecorded(rows);
        } else {
            step(rows, longest);
        }
        outputs.written(rows);
    }

    /**
     * As a GPU's work is recorded: for so many rows as a few numbers of them can be, and for the longest rows. What rows
     * beyond the wanted ones write goes where nobody reads, since no prompt, and nothing that is kept, is so long.
     */
    private void decodeRecorded(int rows) {
        int shown = Math.min(steps.length, rows <= ROWS_APART ? Integer.highestOneBit(2 * rows - 1) : multiple(rows));
        for (int row = rows; row < shown; row++) {
            inputs.id(row, 0);
            inputs.row(row, 0, positions - 1);
        }
        step(shown, positions);
    }

    private static int multiple(int rows) {
        return Math.ceilDiv(rows, ROWS_APART) * ROWS_APART;
    }

    private void step(int rows, int longest) {
        OnnxBinding binding = steps[rows - 1];
        if (binding == null) {
            binding = bound(session.repeated(rows), 0, rows, 1);
            steps[rows - 1] = binding;
        }
        inputs.bring(rows, longest);
        binding.run();
    }

    private OnnxBinding bound(OnnxBinding binding, int first, int rows, int length) {
        try {
            inputs.bind(binding, rows, length);
            outputs.bind(binding, rows);
            cache.bind(binding, first, rows);
            return binding;
        } catch (RuntimeException | Error e) {
            binding.close();
            throw e;
        }
    }

    /** By what the logits of row {@code row} are multiplied, from the next call on, before they become probabilities. */
    void temper(int row, float inverseTemperature) {
        inputs.temper(row, inverseTemperature);
    }

    /** Copies what the last call found for its row {@code row} into {@code into [vocabularySize]}. */
    void logits(int row, float[] into) {
        outputs.logits(row, into);
    }

    /** What the next token of the row may be, at the row's temperature; until the next row is asked for. */
    Odds odds(int row) {
        return outputs.odds(row);
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
            try {
                cache.close();
            } finally {
                memory.close();
            }
        }
    }
}
