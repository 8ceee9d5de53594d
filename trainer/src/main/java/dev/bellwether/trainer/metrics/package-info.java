/** Where training metrics go. */
@NullMarked
package dev.bellwether.trainer.metrics;

import org.jspecify.annotations.NullMarked;
