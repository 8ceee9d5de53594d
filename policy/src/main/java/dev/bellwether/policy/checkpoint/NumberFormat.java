package dev.bellwether.policy.checkpoint;

import java.nio.ByteBuffer;

/** How a safetensors file stores numbers. */
public enum NumberFormat {
    F32(4, "float32", 1),
    F16(2, "float16", 10),
    BF16(2, "bfloat16", 16);

    private final int bytes;
    private final String torchType;
    private final int onnxType;

    NumberFormat(int bytes, String torchType, int onnxType) {
        this.bytes = bytes;
        this.torchType = torchType;
        this.onnxType = onnxType;
    }

    public int bytes() {
        return bytes;
    }

    /** The name of the format in {@code config.json}. */
    public String torchType() {
        return torchType;
    }

    /** {@code TensorProto.DataType} of the format. */
    public int onnxType() {
        return onnxType;
    }

    float read(ByteBuffer buffer) {
        return switch (this) {
            case F32 -> buffer.getFloat();
            case F16 -> Float.float16ToFloat(buffer.getShort());
            case BF16 -> Float.intBitsToFloat(buffer.getShort() << 16);
        };
    }

    /** Whether all numbers that the buffer has left are finite: not every bit of their exponents is set. */
    boolean finite(ByteBuffer buffer) {
        boolean finite = true;
        if (this == F32) {
            for (int at = buffer.position(); at < buffer.limit(); at += Integer.BYTES) {
                finite &= (buffer.getInt(at) & 0x7f800000) != 0x7f800000;
            }
        } else {
            int exponent = this == F16 ? 0x7c00 : 0x7f80;
            for (int at = buffer.position(); at < buffer.limit(); at += Short.BYTES) {
                finite &= (buffer.getShort(at) & exponent) != exponent;
            }
        }
        return finite;
    }

    /** Writes {@code value}, rounded to the nearest number of the format, ties to even. */
    void write(ByteBuffer buffer, float value) {
        switch (this) {
            case F32 -> buffer.putFloat(value);
            case F16 -> buffer.putShort(Float.floatToFloat16(value));
            case BF16 -> {
                int bits = Float.floatToRawIntBits(value);
                int rounded = Float.isNaN(value) ? bits | 0x400000 : bits + 0x7fff + ((bits >>> 16) & 1);
                buffer.putShort((short) (rounded >>> 16));
            }
        }
    }
}
