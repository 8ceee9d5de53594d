/** Decides rollouts: the state machine and the sequential test. */
@NullMarked
package dev.bellwether.stream.rollout;

import org.jspecify.annotations.NullMarked;
