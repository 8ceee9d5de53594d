package dev.bellwether.policy.engine;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import java.lang.foreign.Arena;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * Keys and values of every layer for a fixed number of slots, {@code [slots, keyValueHeads, positions, headSize]} each,
 * in memory that ONNX Runtime reads and writes in place.
 */
final class KeyValueCache implements AutoCloseable {
    private static final int ALIGNMENT_BYTES = 64;

    /** Beside the JVM's limit of direct buffers, and given back when the cache closes, not when it is collected. */
    private final Arena memory = Arena.ofShared();

    private final OrtEnvironment environment;
    private final CheckpointConfig config;
    private final int positions;
    private final FloatBuffer[] keys;
    private final FloatBuffer[] values;
    private final FloatBuffer spare;
    private final Map<Range, Binding> bindings = new HashMap<>();

    private record Range(int first, int count) {}

    /** The tensors of a range of slots, as inputs and as outputs of a session; they share their memory. */
    record Binding(Map<String, OnnxTensor> inputs, Map<String, OnnxValue> outputs) {}

    KeyValueCache(OrtEnvironment environment, CheckpointConfig config, int slots, int positions) {
        this.environment = environment;
        this.config = config;
        this.positions = positions;
        this.keys = new FloatBuffer[config.layers()];
        this.values = new FloatBuffer[config.layers()];
        int floats = Math.multiplyExact(slots, slotSize());
        try {
            spare = allocate(positions * config.headSize());
            for (int layer = 0; layer < config.layers(); layer++) {
                keys[layer] = allocate(floats);
                values[layer] = allocate(floats);
            }
        } catch (RuntimeException | Error e) {
            memory.close();
            throw e;
        }
    }

    private FloatBuffer allocate(int floats) {
        return memory.allocate(Math.multiplyExact((long) floats, Float.BYTES), ALIGNMENT_BYTES)
                .asByteBuffer()
                .order(ByteOrder.nativeOrder())
                .asFloatBuffer();
    }

    private int slotSize() {
        return config.keyValueHeads() * positions * config.headSize();
    }

    int positions() {
        return positions;
    }

    /** The tensors of {@code count} slots from {@code first} on. */
    Binding binding(int first, int count) throws OrtException {
        Range range = new Range(first, count);
        Binding known = bindings.get(range);
        if (known != null) {
            return known;
        }
        Map<String, OnnxTensor> inputs = new HashMap<>();
        Map<String, OnnxValue> outputs = new HashMap<>();
        for (int layer = 0; layer < config.layers(); layer++) {
            OnnxTensor key = tensor(keys[layer], range);
            OnnxTensor value = tensor(values[layer], range);
            inputs.put("past_key_" + layer, key);
            inputs.put("past_value_" + layer, value);
            outputs.put("key_" + layer, key);
            outputs.put("value_" + layer, value);
        }
        Binding binding = new Binding(inputs, outputs);
        bindings.put(range, binding);
        return binding;
    }

    private OnnxTensor tensor(FloatBuffer buffer, Range range) throws OrtException {
        FloatBuffer slice = buffer.slice(range.first() * slotSize(), range.count() * slotSize());
        long[] shape = {range.count(), config.keyValueHeads(), positions, config.headSize()};
        return OnnxTensor.createTensor(environment, slice, shape);
    }

    /** Exchanges the first {@code length} positions of two slots. */
    void swap(int slot, int other, int length) {
        int used = length * config.headSize();
        for (int layer = 0; layer < config.layers(); layer++) {
            for (int head = 0; head < config.keyValueHeads(); head++) {
                int offset = head * positions * config.headSize();
                swap(keys[layer], slot * slotSize() + offset, other * slotSize() + offset, used);
                swap(values[layer], slot * slotSize() + offset, other * slotSize() + offset, used);
            }
        }
    }

    private void swap(FloatBuffer buffer, int one, int other, int size) {
        spare.put(0, buffer, one, size);
        buffer.put(one, buffer, other, size);
        buffer.put(other, spare, 0, size);
    }

    @Override
    public void close() {
        bindings.values().forEach(binding -> binding.inputs().values().forEach(OnnxTensor::close));
        bindings.clear();
        memory.close();
    }
}
