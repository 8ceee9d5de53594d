package dev.bellwether.policy.engine;

import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.onnx.ElementType;
import dev.bellwether.policy.onnx.OnnxBinding;
import dev.bellwether.policy.onnx.OnnxDevice;
import dev.bellwether.policy.onnx.OnnxTensor;
import dev.bellwether.policy.onnx.TensorMemory;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Keys and values of every layer for a fixed number of slots, {@code [slots, keyValueHeads, positions, headSize]} each,
 * in memory of the device that computes, read and written in place.
 */
final class KeyValueCache implements AutoCloseable {
    private final OnnxDevice device;
    private final TensorMemory memory;
    private final CheckpointConfig config;
    private final ElementType type;
    private final int positions;
    private final List<MemorySegment> keys = new ArrayList<>();
    private final List<MemorySegment> values = new ArrayList<>();
    private final MemorySegment spare;

    KeyValueCache(CheckpointConfig config, ElementType type, int slots, int positions, OnnxDevice device) {
        this.device = device;
        this.memory = device.memory();
        this.type = type;
        this.config = config;
        this.positions = positions;
        try {
            spare = memory.allocate(slotBytes());
            for (int layer = 0; layer < config.layers(); layer++) {
                keys.add(memory.allocate(slots * slotBytes()));
                values.add(memory.allocate(slots * slotBytes()));
            }
        } catch (RuntimeException | Error e) {
            memory.close();
            throw e;
        }
    }

    /** Of one head's keys or values of {@code length} tokens. */
    private long headBytes(int length) {
        return (long) length * config.headSize() * type.bytes();
    }

    private long slotBytes() {
        return config.keyValueHeads() * headBytes(positions);
    }

    /** Binds {@code count} slots from {@code first} on as what a run reads and as what it writes. */
    void bind(OnnxBinding binding, int first, int count) {
        for (int layer = 0; layer < config.layers(); layer++) {
            bind(binding, "key_" + layer, keys.get(layer), first, count);
            bind(binding, "value_" + layer, values.get(layer), first, count);
        }
    }

    private void bind(OnnxBinding binding, String name, MemorySegment side, int first, int count) {
        MemorySegment slots = side.asSlice(first * slotBytes(), count * slotBytes());
        try (OnnxTensor tensor =
                OnnxTensor.over(device, slots, type, count, config.keyValueHeads(), positions, config.headSize())) {
            binding.input("past_" + name, tensor);
            binding.output(name, tensor);
        }
    }

    /** Exchanges the first {@code length} positions of two slots. */
    void swap(int slot, int other, int length) {
        for (int layer = 0; layer < config.layers(); layer++) {
            swap(keys.get(layer), slot, other, length);
            swap(values.get(layer), slot, other, length);
        }
        memory.settle();
    }

    private void swap(MemorySegment side, int slot, int other, int length) {
        MemorySegment one = side.asSlice(slot * slotBytes(), slotBytes());
        MemorySegment two = side.asSlice(other * slotBytes(), slotBytes());
        copy(one, spare, length);
        copy(two, one, length);
        copy(spare, two, length);
    }

    private void copy(MemorySegment from, MemorySegment to, int length) {
        memory.copyRows(from, to, headBytes(length), config.keyValueHeads(), headBytes(positions));
    }

    @Override
    public void close() {
        memory.close();
    }
}
