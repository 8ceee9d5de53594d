/** Measuring policies and reward models. */
@NullMarked
package dev.bellwether.trainer.evaluation;

import org.jspecify.annotations.NullMarked;
