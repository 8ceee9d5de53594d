/** From turns of a conversation to tokens and back, identical in serving and in training. */
@NullMarked
package dev.bellwether.policy.prompt;

import org.jspecify.annotations.NullMarked;
