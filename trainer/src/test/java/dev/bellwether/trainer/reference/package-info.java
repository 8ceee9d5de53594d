/** What PyTorch computes of one training step. */
@NullMarked
package dev.bellwether.trainer.reference;

import org.jspecify.annotations.NullMarked;
