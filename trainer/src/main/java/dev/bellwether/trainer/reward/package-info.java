/** The reward model: an ensemble of heads trained on pairs, thumbs and mismatches. */
@NullMarked
package dev.bellwether.trainer.reward;

import org.jspecify.annotations.NullMarked;
