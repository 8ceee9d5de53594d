package dev.bellwether.policy.engine;

import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.ModelTensors;
import dev.bellwether.policy.checkpoint.TensorShape;

/**
 * What a model takes while it serves, all its slots full; an estimate that was measured to be right within a tenth or so.
 *
 * @param weightsBytes as ONNX Runtime lays them out
 * @param cacheBytes of keys and values
 * @param workBytes of what a step computes in between, and of its outcome
 */
public record ModelMemory(long weightsBytes, long cacheBytes, long workBytes) {
    /** A number, and of its block the scale, the sum that products of whole numbers need, and of 4 bits the offset. */
    private static final double INT8_BYTES = 1 + 2 * 4. / BlockMatrix.BLOCK;

    private static final double INT4_BYTES = .5 + 3 * 4. / BlockMatrix.BLOCK;
    private static final long STEP_BYTES = 64L << 20;

    public static ModelMemory of(CheckpointConfig model, ModelLimits limits) {
        EngineConfig engine = limits.engine(model);
        double weights = 0;
        for (TensorShape tensor : model.tensors()) {
            weights += tensor.size() * bytes(tensor, engine.precision());
        }
        if (model.tiedEmbeddings()) {
            // The head lies there a second time, turned.
            TensorShape head = model.tensors().stream()
                    .filter(tensor -> tensor.name().equals(ModelTensors.EMBEDDINGS))
                    .findFirst()
                    .orElseThrow();
            weights += head.size() * headBytes(engine.precision());
        }
        long cache =
                (long) engine.slots() * engine.positionsMax() * ModelLimits.bytesPerToken(model, engine.precision());
        long outcome = 2L * engine.slots() * model.vocabularySize() * Float.BYTES;
        return new ModelMemory((long) weights, cache, STEP_BYTES + outcome);
    }

    private static double headBytes(Precision precision) {
        return precision.quantized() ? INT8_BYTES : precision.computeType().bytes();
    }

    private static double bytes(TensorShape tensor, Precision precision) {
        if (precision == Precision.FLOAT16) {
            return precision.computeType().bytes();
        }
        if (!precision.quantized() || tensor.dimensions().size() < 2) {
            return Float.BYTES;
        }
        if (tensor.name().equals(ModelTensors.EMBEDDINGS)) {
            // Rows are read from the file.
            return 0;
        }
        boolean four = precision == Precision.INT4
                && !tensor.name().equals(ModelTensors.HEAD)
                && tensor.dimensions().getLast() % BlockMatrix.BLOCK == 0;
        return four ? INT4_BYTES : INT8_BYTES;
    }

    public long bytes() {
        return weightsBytes + cacheBytes + workBytes;
    }
}
