/** A checkpoint running in ONNX Runtime: the graph, the key-value cache, sampling and continuous batching. */
@NullMarked
package dev.bellwether.policy.engine;

import org.jspecify.annotations.NullMarked;
