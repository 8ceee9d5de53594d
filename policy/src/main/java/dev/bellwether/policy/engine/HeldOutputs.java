package dev.bellwether.policy.engine;

import dev.bellwether.policy.onnx.ElementType;
import dev.bellwether.policy.onnx.OnnxBinding;
import dev.bellwether.policy.onnx.OnnxDevice;
import dev.bellwether.policy.onnx.OnnxTensor;
import dev.bellwether.policy.onnx.TensorMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Where the processor computes: logits and probabilities, {@code [slots, vocabularySize]} each. */
final class HeldOutputs implements StepOutputs {
    private final int vocabularySize;
    private final MemorySegment logits;
    private final MemorySegment probabilities;
    private final float[] row;
    private final HeldOdds odds;

    HeldOutputs(TensorMemory memory, int slots, int vocabularySize) {
        this.vocabularySize = vocabularySize;
        this.logits = memory.allocate((long) slots * vocabularySize * Float.BYTES);
        this.probabilities = memory.allocate((long) slots * vocabularySize * Float.BYTES);
        this.row = new float[vocabularySize];
        this.odds = new HeldOdds(row);
    }

    @Override
    public void bind(OnnxBinding binding, int rows) {
        output(binding, "logits", logits, rows);
        output(binding, "probabilities", probabilities, rows);
    }

    private void output(OnnxBinding binding, String name, MemorySegment into, int rows) {
        try (OnnxTensor tensor = OnnxTensor.first(OnnxDevice.CPU, into, ElementType.FLOAT32, rows, vocabularySize)) {
            binding.output(name, tensor);
        }
    }

    @Override
    public void written(int rows) {}

    @Override
    public void logits(int number, float[] into) {
        copy(logits, number, into);
    }

    @Override
    public Odds odds(int number) {
        copy(probabilities, number, row);
        return odds;
    }

    private void copy(MemorySegment rows, int number, float[] into) {
        long at = (long) number * vocabularySize * Float.BYTES;
        MemorySegment.copy(rows, ValueLayout.JAVA_FLOAT, at, into, 0, vocabularySize);
    }
}
