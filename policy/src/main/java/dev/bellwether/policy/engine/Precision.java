package dev.bellwether.policy.engine;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;
import java.util.Locale;

/** In how many bits a model's matrices are kept while it serves; everything else stays float32. */
public enum Precision {
    FLOAT32(32),
    INT8(8),
    INT4(4);

    private final int bits;

    Precision(int bits) {
        this.bits = bits;
    }

    /** Of {@code float32}, {@code int8} or {@code int4}. */
    @JsonCreator
    public static Precision of(String name) {
        return Arrays.stream(values())
                .filter(precision -> precision.toString().equals(name))
                .findFirst()
                .orElseThrow(() ->
                        new IllegalArgumentException("precision is float32, int8 or int4, not '%s'".formatted(name)));
    }

    /** Of one number of a matrix, its block's scale and zero apart. */
    int bits() {
        return bits;
    }

    boolean quantized() {
        return this != FLOAT32;
    }

    @JsonValue
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
