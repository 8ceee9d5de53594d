package dev.bellwether.policy.engine;

import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.onnx.ElementType;
import dev.bellwether.policy.onnx.NativeMemory;
import dev.bellwether.policy.onnx.OnnxBinding;
import dev.bellwether.policy.onnx.OnnxTensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Keys and values of every layer for a fixed number of slots, {@code [slots, keyValueHeads, positions, headSize]} each,
 * in memory that ONNX Runtime reads and writes in place.
 */
final class KeyValueCache implements AutoCloseable {
    private final NativeMemory memory = new NativeMemory();
    private final CheckpointConfig config;
    private final ElementType type;
    private final int positions;
    private final List<MemorySegment> keys = new ArrayList<>();
    private final List<MemorySegment> values = new ArrayList<>();
    private final MemorySegment spare;

    KeyValueCache(CheckpointConfig config, ElementType type, int slots, int positions) {
        this.type = type;
        this.config = config;
        this.positions = positions;
        try {
            spare = memory.allocate(headBytes(positions));
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
                OnnxTensor.over(slots, type, count, config.keyValueHeads(), positions, config.headSize())) {
            binding.input("past_" + name, tensor);
            binding.output(name, tensor);
        }
    }

    /** Exchanges the first {@code length} positions of two slots. */
    void swap(int slot, int other, int length) {
        for (int layer = 0; layer < config.layers(); layer++) {
            for (int head = 0; head < config.keyValueHeads(); head++) {
                long offset = head * headBytes(positions);
                swap(keys.get(layer), slot * slotBytes() + offset, other * slotBytes() + offset, headBytes(length));
                swap(values.get(layer), slot * slotBytes() + offset, other * slotBytes() + offset, headBytes(length));
            }
        }
    }

    private void swap(MemorySegment side, long one, long other, long bytes) {
        MemorySegment.copy(side, one, spare, 0, bytes);
        MemorySegment.copy(side, other, side, one, bytes);
        MemorySegment.copy(spare, 0, side, other, bytes);
    }

    @Override
    public void close() {
        memory.close();
    }
}
