package dev.bellwether.trainer.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import java.util.HashMap;
import java.util.Map;

/**
 * Arrays that formulas share and that live as long as the model: scalars, rotary tables, causal masks.
 *
 * <p>A Java number given to an array operation is wrapped in a tensor over a Java buffer that is freed before the
 * backward pass reads it, which yields wrong gradients once the collector runs. Every scalar of a training formula
 * therefore comes from here, allocated by the native side.
 */
public final class Constants implements AutoCloseable {
    private static final float MASKED = -1e9f;

    private final NDManager manager;
    private final Map<Float, NDArray> scalars = new HashMap<>();
    private final Map<Integer, Geometry> geometries = new HashMap<>();

    public Constants(NDManager parent) {
        this.manager = parent.newSubManager();
    }

    /**
     * What attention over {@code length} positions needs.
     *
     * @param cosines {@code [1, 1, length, headSize]}
     * @param sines {@code [1, 1, length, headSize]}, the first half negated
     * @param mask {@code [length, length]}, 0 where a position may look, else a large negative number
     */
    record Geometry(NDArray cosines, NDArray sines, NDArray mask) {}

    /** {@code value} as a scalar array. */
    public NDArray scalar(double value) {
        return scalars.computeIfAbsent((float) value, v -> manager.full(new Shape(), v, DataType.FLOAT32));
    }

    Geometry geometry(CheckpointConfig config, int length) {
        return geometries.computeIfAbsent(length, positions -> geometryOf(config, positions));
    }

    private Geometry geometryOf(CheckpointConfig config, int length) {
        float[][] tables = config.rotary().tables(length, config.headSize());
        int half = config.headSize() / 2;
        try (NDManager scratch = manager.newSubManager()) {
            NDArray cosine = scratch.create(tables[0], new Shape(1, 1, length, half));
            NDArray sine = scratch.create(tables[1], new Shape(1, 1, length, half));
            NDArray position = scratch.arange(0, length, 1, DataType.FLOAT32);
            NDArray future = position.reshape(1, length).gt(position.reshape(length, 1));
            Geometry geometry = new Geometry(
                    cosine.concat(cosine, 3),
                    sine.neg().concat(sine, 3),
                    future.toType(DataType.FLOAT32, false).mul(MASKED));
            geometry.cosines.attach(manager);
            geometry.sines.attach(manager);
            geometry.mask.attach(manager);
            return geometry;
        }
    }

    @Override
    public void close() {
        manager.close();
    }
}
