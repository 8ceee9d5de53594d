package dev.bellwether.policy.engine;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.bellwether.policy.onnx.ElementType;
import dev.bellwether.policy.onnx.OnnxDevice;
import java.util.Arrays;
import java.util.Locale;

/**
 * In how many bits a model's matrices are kept while it serves. Where they are rounded, keys and values are kept in
 * float16; everything else is float32, but in float16 what is between two norms, as a GPU computes fastest.
 */
public enum Precision {
    FLOAT32(32, 0),
    FLOAT16(16, .1),
    INT8(8, .5),
    INT4(4, 1.5);

    private final int bits;
    private final double meanTolerance;

    Precision(int bits, double meanTolerance) {
        this.bits = bits;
        this.meanTolerance = meanTolerance;
    }

    /** Of {@code float32}, {@code float16}, {@code int8} or {@code int4}. */
    @JsonCreator
    public static Precision of(String name) {
        return Arrays.stream(values())
                .filter(precision -> precision.toString().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "precision is float32, float16, int8 or int4, not '%s'".formatted(name)));
    }

    /** What a device computes in unless it is told. */
    static Precision of(OnnxDevice device) {
        return device.cuda() ? FLOAT16 : FLOAT32;
    }

    /** Of one number of a matrix, its block's scale and zero apart. */
    int bits() {
        return bits;
    }

    /**
     * How far a reply's log-probabilities may be, in the mean, from those of the weights as they are. Rounding alone makes
     * .2 of SmolLM2, and up to .7 of tiny models of random numbers; a mistake in the graph makes several.
     */
    double meanTolerance() {
        return meanTolerance;
    }

    /** Of keys and values. */
    ElementType cacheType() {
        return this == FLOAT32 ? ElementType.FLOAT32 : ElementType.FLOAT16;
    }

    /** Of what is between two norms. */
    ElementType computeType() {
        return this == FLOAT16 ? ElementType.FLOAT16 : ElementType.FLOAT32;
    }

    /** Whether matrices are rounded by blocks. */
    boolean quantized() {
        return this == INT8 || this == INT4;
    }

    /** Whether log-probabilities can be those of the trainer to the last digits. */
    boolean exact() {
        return this == FLOAT32;
    }

    @JsonValue
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
