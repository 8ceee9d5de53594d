package dev.bellwether.policy.engine;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.Safetensors;
import dev.bellwether.policy.onnx.ElementType;
import dev.bellwether.policy.onnx.NativeMemory;
import dev.bellwether.policy.onnx.OnnxTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A matrix of few bits a number, as the operator {@code MatMulNBits} reads it: every row in blocks of 32 numbers with
 * one scale and, of 4 bits, one zero each.
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

    /** Of one row's zeros; numbers of 8 bits have none of their own. */
    int zeroBytes() {
        return bits == 8 ? 0 : Math.ceilDiv(blocks() * bits, 8);
    }

    String numbersName() {
        return name + "_numbers";
    }

    String scalesName() {
        return name + "_scales";
    }

    String zerosName() {
        return name + "_zeros";
    }

    /** Rounds the checkpoint's numbers; the tensors by the names of the graph's inputs. */
    Map<String, OnnxTensor> quantized(NativeMemory memory) {
        long blocks = (long) rows() * blocks();
        MemorySegment numbers = memory.allocate(blocks * blockBytes());
        MemorySegment scales = memory.allocate(blocks * Float.BYTES);
        MemorySegment zeros = memory.allocate((long) rows() * zeroBytes());
        int from = 0;
        for (Checkpoint.Location tensor : tensors) {
            quantize(tensor, from, numbers, scales, zeros);
            from += tensor.entry().dimensions().getFirst().intValue();
        }
        Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
        inputs.put(numbersName(), OnnxTensor.over(numbers, ElementType.UINT8, rows(), blocks(), blockBytes()));
        inputs.put(scalesName(), OnnxTensor.over(scales, ElementType.FLOAT32, rows(), blocks()));
        if (zeroBytes() > 0) {
            inputs.put(zerosName(), OnnxTensor.over(zeros, ElementType.UINT8, rows(), zeroBytes()));
        }
        return inputs;
    }

    private void quantize(
            Checkpoint.Location tensor, int first, MemorySegment numbers, MemorySegment scales, MemorySegment zeros) {
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
                quantizeRow(read, row * columns, (long) first + from + row, rounding, numbers, scales, zeros);
            }
        });
    }

    private void quantizeRow(
            float[] values,
            int at,
            long row,
            BlockRounding rounding,
            MemorySegment numbers,
            MemorySegment scales,
            MemorySegment zeros) {
        for (int block = 0; block < blocks(); block++) {
            int size = Math.min(BLOCK, columns() - block * BLOCK);
            rounding.round(values, at + block * BLOCK, size);
            long place = row * blocks() + block;
            rounding.write(numbers, place * blockBytes());
            scales.setAtIndex(ValueLayout.JAVA_FLOAT, place, rounding.scale());
            if (zeroBytes() > 0) {
                // Two blocks share a byte, the first has its lower half; rows have bytes of their own.
                long byteAt = row * zeroBytes() + block / 2;
                int known = zeros.get(ValueLayout.JAVA_BYTE, byteAt);
                zeros.set(ValueLayout.JAVA_BYTE, byteAt, (byte) (known | rounding.zero() << 4 * (block % 2)));
            }
        }
    }
}
