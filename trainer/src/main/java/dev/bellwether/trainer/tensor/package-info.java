/** libtorch: where it is loaded, on which device it computes, and how numbers come into native memory and out of it. */
@NullMarked
package dev.bellwether.trainer.tensor;

import org.jspecify.annotations.NullMarked;
