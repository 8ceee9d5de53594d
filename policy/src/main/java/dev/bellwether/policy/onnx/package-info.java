/**
 * ONNX Runtime through its C API: a session, tensors over memory of the caller's, what binds them to each other, and the
 * devices on which they lie.
 */
@NullMarked
package dev.bellwether.policy.onnx;

import org.jspecify.annotations.NullMarked;
