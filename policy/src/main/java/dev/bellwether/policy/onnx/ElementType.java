package dev.bellwether.policy.onnx;

/** What a tensor's numbers are, by ONNX's code. */
public enum ElementType {
    FLOAT32(1, 4),
    UINT8(2, 1),
    INT32(6, 4),
    INT64(7, 8),
    FLOAT16(10, 2),
    BFLOAT16(16, 2);

    private final int code;
    private final int bytes;

    ElementType(int code, int bytes) {
        this.code = code;
        this.bytes = bytes;
    }

    public int code() {
        return code;
    }

    /** Of one number. */
    public int bytes() {
        return bytes;
    }
}
