package dev.bellwether.policy.onnx;

/** ONNX Runtime refused a call; the message is its own. */
public final class OnnxException extends RuntimeException {
    OnnxException(String message) {
        super(message);
    }
}
