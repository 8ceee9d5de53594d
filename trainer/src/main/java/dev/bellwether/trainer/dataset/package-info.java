/** What the trainer learns from: samples, batches and the files they come in. */
@NullMarked
package dev.bellwether.trainer.dataset;

import org.jspecify.annotations.NullMarked;
