package dev.bellwether.policy.checkpoint;

import java.util.Arrays;
import java.util.List;

/** A tensor that a model must have: its name and its dimensions. */
public record TensorShape(String name, List<Long> dimensions) {

    TensorShape(String name, long... dimensions) {
        this(name, Arrays.stream(dimensions).boxed().toList());
    }

    /** Number of elements. */
    public long size() {
        return dimensions.stream().reduce(1L, Math::multiplyExact);
    }

    public long[] shape() {
        return dimensions.stream().mapToLong(Long::longValue).toArray();
    }
}
