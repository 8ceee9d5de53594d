/** ONNX Runtime through its C API: a session, tensors over memory of the caller's, and what binds them to each other. */
@NullMarked
package dev.bellwether.policy.onnx;

import org.jspecify.annotations.NullMarked;
