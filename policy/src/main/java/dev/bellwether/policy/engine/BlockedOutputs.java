package dev.bellwether.policy.engine;

import dev.bellwether.policy.onnx.ElementType;
import dev.bellwether.policy.onnx.OnnxBinding;
import dev.bellwether.policy.onnx.OnnxDevice;
import dev.bellwether.policy.onnx.OnnxTensor;
import dev.bellwether.policy.onnx.TensorMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Where a GPU computes: logits and probabilities stay there. Of the probabilities, which lie in blocks, come back each
 * block's sum or its largest, and then the one block from which a token is drawn; all of a row only where top-p or top-k
 * is in doubt about them.
 */
final class BlockedOutputs implements StepOutputs {
    private final OnnxDevice device;
    private final TensorMemory memory;
    private final int vocabularySize;
    private final int blocks;
    private final MemorySegment logits;

    /** {@code [slots, blocks, BLOCK]}, the last block filled up with zeros. */
    private final MemorySegment probabilities;

    private final Summary sums;
    private final Summary maxima;
    private final MemorySegment landing;
    private final RowOdds odds;
    private int rows;

    BlockedOutputs(OnnxDevice device, TensorMemory memory, int slots, int vocabularySize) {
        this.device = device;
        this.memory = memory;
        this.vocabularySize = vocabularySize;
        this.blocks = Math.ceilDiv(vocabularySize, Odds.BLOCK);
        this.logits = memory.allocate((long) slots * vocabularySize * Float.BYTES);
        this.probabilities = memory.allocate((long) slots * blocks * Odds.BLOCK * Float.BYTES);
        this.sums = new Summary("sums", slots);
        this.maxima = new Summary("maxima", slots);
        this.odds = new RowOdds();
        this.landing = memory.host((long) Math.max(vocabularySize, Odds.BLOCK) * Float.BYTES);
    }

    /** A number of each block, {@code [slots, blocks]}, which comes back for all rows at once. */
    private final class Summary {
        private final String name;
        private final MemorySegment there;
        private final MemorySegment here;
        private final float[] row = new float[blocks];
        private boolean current;

        Summary(String name, int slots) {
            this.name = name;
            this.there = memory.allocate((long) slots * blocks * Float.BYTES);
            this.here = memory.host(there.byteSize());
        }

        float[] of(int number) {
            if (!current) {
                memory.read(there, here.asSlice(0, (long) rows * blocks * Float.BYTES));
                current = true;
            }
            MemorySegment.copy(here, ValueLayout.JAVA_FLOAT, (long) number * blocks * Float.BYTES, row, 0, blocks);
            return row;
        }
    }

    @Override
    public void bind(OnnxBinding binding, int count) {
        output(binding, "logits", logits, count, vocabularySize);
        output(binding, "blocks", probabilities, count, blocks, Odds.BLOCK);
        output(binding, sums.name, sums.there, count, blocks);
        output(binding, maxima.name, maxima.there, count, blocks);
    }

    private void output(OnnxBinding binding, String name, MemorySegment into, long... shape) {
        try (OnnxTensor tensor = OnnxTensor.first(device, into, ElementType.FLOAT32, shape)) {
            binding.output(name, tensor);
        }
    }

    @Override
    public void written(int count) {
        rows = count;
        sums.current = false;
        maxima.current = false;
    }

    @Override
    public void logits(int row, float[] into) {
        read(logits, (long) row * vocabularySize, into);
    }

    @Override
    public Odds odds(int row) {
        odds.at(row);
        return odds;
    }

    private void read(MemorySegment from, long at, float[] into) {
        long bytes = (long) into.length * Float.BYTES;
        memory.read(from.asSlice(at * Float.BYTES, bytes), landing.asSlice(0, bytes));
        MemorySegment.copy(landing, ValueLayout.JAVA_FLOAT, 0, into, 0, into.length);
    }

    private final class RowOdds implements Odds {
        private static final int NONE = -1;

        private final float[] all = new float[vocabularySize];
        private final float[] block = new float[BLOCK];
        private int row;
        private int held = NONE;
        private boolean whole;

        void at(int number) {
            row = number;
            held = NONE;
            whole = false;
        }

        @Override
        public float[] sums() {
            return sums.of(row);
        }

        @Override
        public float[] block(int number) {
            if (held != number) {
                read(probabilities, ((long) row * blocks + number) * BLOCK, block);
                held = number;
            }
            return block;
        }

        @Override
        public float[] all() {
            if (!whole) {
                read(probabilities, (long) row * blocks * BLOCK, all);
                whole = true;
            }
            return all;
        }

        @Override
        public int likeliest() {
            int number = Odds.largest(maxima.of(row));
            return number * BLOCK + Odds.largest(block(number));
        }
    }
}
