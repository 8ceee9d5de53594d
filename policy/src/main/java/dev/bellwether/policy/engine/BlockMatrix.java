package dev.bellwether.policy.engine;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.Safetensors;
import dev.bellwether.policy.onnx.ElementType;
import dev.bellwether.policy.onnx.FileMemory;
import dev.bellwether.policy.onnx.OnnxTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * A matrix of few bits a number, as the operator {@code MatMulNBits} reads it: every row in blocks of 32 numbers with
 * one scale and, of 4 bits, one offset each. The operator knows no offsets that are not whole numbers of its scale; what
 * they add to a product, the offsets times the sums of the input's blocks, is computed beside it.
 *
 * @param name of its inputs in the graph
 * @param tensors of the checkpoint, {@code [rows, columns]} each, stacked one below the other
 * @param bits of a number: 4 or 8
 * @see <a href="https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md">MatMulNBits</a>
 */
record BlockMatrix(String name, List<Checkpoint.Location> tensors, int bits) {
    static final int BLOCK = 32;

    /** Numbers of a checkpoint that are read in one go. */
    private static final int PIECE_NUMBERS = 1 << 18;

    int rows() {
        return tensors.stream()
                .mapToInt(tensor -> tensor.entry().dimensions().getFirst().intValue())
                .sum();
    }

    int columns() {
        return tensors.getFirst().entry().dimensions().getLast().intValue();
    }

    int blocks() {
        return Math.ceilDiv(columns(), BLOCK);
    }

    /** Of one block's numbers. */
    int blockBytes() {
        return BLOCK * bits / 8;
    }

    boolean hasOffsets() {
        return bits < 8;
    }

    String numbersName() {
        return name + "_numbers";
    }

    String scalesName() {
        return name + "_scales";
    }

    String offsetsName() {
        return name + "_offsets";
    }

    /** Rounds the checkpoint's numbers; the tensors by the names of the graph's inputs. */
    Map<String, OnnxTensor> quantized(FileMemory memory) {
        Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
        try {
            inputs.put(numbersName(), tensor(memory, ElementType.UINT8, rows(), blocks(), blockBytes()));
            inputs.put(scalesName(), tensor(memory, ElementType.FLOAT32, rows(), blocks()));
            if (hasOffsets()) {
                inputs.put(offsetsName(), tensor(memory, ElementType.FLOAT32, blocks(), rows()));
            }
            int from = 0;
            for (Checkpoint.Location tensor : tensors) {
                quantize(tensor, from, inputs);
                from += tensor.entry().dimensions().getFirst().intValue();
            }
            return inputs;
        } catch (RuntimeException | Error e) {
            inputs.values().forEach(OnnxTensor::close);
            throw e;
        }
    }

    private static OnnxTensor tensor(FileMemory memory, ElementType type, long... shape) {
        long numbers = LongStream.of(shape).reduce(1, Math::multiplyExact);
        return OnnxTensor.over(memory.allocate(numbers * type.bytes()), type, shape);
    }

    private void quantize(Checkpoint.Location tensor, int first, Map<String, OnnxTensor> inputs) {
        Safetensors.Entry entry = tensor.entry();
        int rows = entry.dimensions().getFirst().intValue();
        int columns = columns();
        int rowsAtOnce = Math.max(1, PIECE_NUMBERS / columns);
        IntStream.range(0, Math.ceilDiv(rows, rowsAtOnce)).parallel().forEach(piece -> {
            int from = piece * rowsAtOnce;
            int count = Math.min(rowsAtOnce, rows - from);
            float[] read = tensor.file().read(entry, (long) from * columns, count * columns);
            BlockRounding rounding = new BlockRounding(bits);
            for (int row = 0; row < count; row++) {
                quantizeRow(read, row * columns, (long) first + from + row, rounding, inputs);
            }
        });
    }

    private void quantizeRow(float[] values, int at, long row, BlockRounding rounding, Map<String, OnnxTensor> inputs) {
        MemorySegment numbers = memory(inputs, numbersName());
        MemorySegment scales = memory(inputs, scalesName());
        for (int block = 0; block < blocks(); block++) {
            int size = Math.min(BLOCK, columns() - block * BLOCK);
            rounding.round(values, at + block * BLOCK, size);
            long place = row * blocks() + block;
            rounding.write(numbers, place * blockBytes());
            scales.setAtIndex(ValueLayout.JAVA_FLOAT, place, rounding.scale());
            if (hasOffsets()) {
                memory(inputs, offsetsName())
                        .setAtIndex(ValueLayout.JAVA_FLOAT, (long) block * rows() + row, rounding.offset());
            }
        }
    }

    private static MemorySegment memory(Map<String, OnnxTensor> inputs, String name) {
        return Objects.requireNonNull(inputs.get(name)).memory();
    }
}
