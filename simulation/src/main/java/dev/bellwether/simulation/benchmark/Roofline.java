package dev.bellwether.simulation.benchmark;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.bellwether.policy.checkpoint.TensorShape;
import dev.bellwether.policy.onnx.ElementType;
import dev.bellwether.policy.onnx.NativeMemory;
import dev.bellwether.policy.onnx.OnnxBinding;
import dev.bellwether.policy.onnx.OnnxDevice;
import dev.bellwether.policy.onnx.OnnxSession;
import dev.bellwether.policy.onnx.OnnxTensor;
import dev.bellwether.policy.onnx.TensorMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the machine can do at most with a model's matrices, measured by their products alone in float32: bytes of weights
 * a second where one row is multiplied, operations a second where many are.
 *
 * @param bytesPerSecond of weights, read again and again
 * @param operationsPerSecond a multiplication and an addition are two
 * @see <a href="https://doi.org/10.1145/1498765.1498785">Williams et al.: Roofline</a>
 */
record Roofline(double bytesPerSecond, double operationsPerSecond) {
    private static final int MANY_ROWS = 64;
    private static final long COPIED_BYTES = 1L << 32;
    private static final int COPIES = 10;

    /** On {@code threads}. */
    static Roofline measure(List<TensorShape> matrices, int threads, Duration time, Path scratch) {
        double numbers = matrices.stream().mapToDouble(TensorShape::size).sum();
        double one = productsPerSecond(1, matrices, threads, time, scratch);
        double many = productsPerSecond(MANY_ROWS, matrices, threads, time, scratch);
        return new Roofline(one * numbers * Float.BYTES, many * numbers * MANY_ROWS * 2);
    }

    /** What a GPU's memory moves when it is copied within itself: each byte is read and written. */
    static double memoryBytesPerSecond(OnnxDevice device) {
        try (TensorMemory memory = device.memory()) {
            MemorySegment from = memory.allocate(COPIED_BYTES);
            MemorySegment to = memory.allocate(COPIED_BYTES);
            double best = 0;
            for (int i = 0; i < COPIES; i++) {
                long start = System.nanoTime();
                memory.copyRows(from, to, COPIED_BYTES, 1, COPIED_BYTES);
                memory.settle();
                best = Math.max(best, 2e9 * COPIED_BYTES / (System.nanoTime() - start));
            }
            return best;
        }
    }

    /** The most tokens a second with {@code rows} at once, of weights of that many numbers and bytes. */
    double tokensPerSecond(int rows, double numbers, double bytes) {
        double seconds = Math.max(bytes / bytesPerSecond, 2 * numbers * rows / operationsPerSecond);
        return rows / seconds;
    }

    /** How often a second {@code rows} rows are multiplied by each of the matrices {@code [columns, rows]} alone. */
    private static double productsPerSecond(
            int rows, List<TensorShape> matrices, int threads, Duration time, Path scratch) {
        double seconds = 0;
        Map<List<Long>, Double> known = new HashMap<>();
        for (TensorShape matrix : matrices) {
            seconds += known.computeIfAbsent(matrix.dimensions(), shape -> {
                long alike = matrices.stream()
                        .filter(other -> other.dimensions().equals(shape))
                        .count();
                return 1
                        / productsPerSecond(
                                rows,
                                Math.toIntExact(shape.getLast()),
                                Math.toIntExact(shape.getFirst()),
                                (int) alike,
                                threads,
                                time,
                                scratch);
            });
        }
        return 1 / seconds;
    }

    /** How often a second rows are multiplied by one of {@code matrices} that are all {@code [columns, outputs]}. */
    private static double productsPerSecond(
            int rows, int columns, int outputs, int matrices, int threads, Duration time, Path scratch) {
        GraphProto.Builder graph = GraphProto.newBuilder().setName("products").addInput(value("x", rows, columns));
        Map<String, OnnxTensor> weights = new HashMap<>();
        try (NativeMemory memory = new NativeMemory()) {
            for (int i = 0; i < matrices; i++) {
                MemorySegment numbers = memory.allocate((long) columns * outputs * Float.BYTES);
                numbers.fill((byte) 0x11);
                weights.put("w" + i, OnnxTensor.over(numbers, ElementType.FLOAT32, columns, outputs));
                graph.addInitializer(TensorProto.newBuilder()
                        .setName("w" + i)
                        .setDataType(ElementType.FLOAT32.code())
                        .addDims(columns)
                        .addDims(outputs)
                        .setDataLocation(TensorProto.DataLocation.EXTERNAL));
                graph.addNode(NodeProto.newBuilder()
                        .setOpType("MatMul")
                        .addInput("x")
                        .addInput("w" + i)
                        .addOutput("y" + i));
                graph.addOutput(value("y" + i, rows, outputs));
            }
            byte[] model = ModelProto.newBuilder()
                    .setIrVersion(8)
                    .setGraph(graph)
                    .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
                    .build()
                    .toByteArray();
            MemorySegment numbers = memory.allocate((long) rows * columns * Float.BYTES);
            MemorySegment products = memory.allocate((long) rows * outputs * Float.BYTES);
            numbers.setAtIndex(ValueLayout.JAVA_FLOAT, 0, 1);
            try (OnnxSession session = OnnxSession.open(model, scratch, weights, threads, OnnxDevice.CPU);
                    OnnxBinding binding = session.binding();
                    OnnxTensor input = OnnxTensor.over(numbers, ElementType.FLOAT32, rows, columns);
                    OnnxTensor output = OnnxTensor.over(products, ElementType.FLOAT32, rows, outputs)) {
                binding.input("x", input);
                for (int i = 0; i < matrices; i++) {
                    binding.output("y" + i, output);
                }
                run(binding, time.dividedBy(4));
                return run(binding, time) * matrices;
            } finally {
                weights.values().forEach(OnnxTensor::close);
            }
        }
    }

    /** Runs a second. */
    private static double run(OnnxBinding binding, Duration time) {
        long start = System.nanoTime();
        long runs = 0;
        do {
            binding.run();
            runs++;
        } while (System.nanoTime() - start < time.toNanos());
        return runs / ((System.nanoTime() - start) / 1e9);
    }

    private static ValueInfoProto value(String name, int rows, int columns) {
        return ValueInfoProto.newBuilder()
                .setName(name)
                .setType(TypeProto.newBuilder()
                        .setTensorType(TypeProto.Tensor.newBuilder()
                                .setElemType(ElementType.FLOAT32.code())
                                .setShape(TensorShapeProto.newBuilder()
                                        .addDim(TensorShapeProto.Dimension.newBuilder()
                                                .setDimValue(rows))
                                        .addDim(TensorShapeProto.Dimension.newBuilder()
                                                .setDimValue(columns)))))
                .build();
    }
}
