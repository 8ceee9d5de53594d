/** The Transformer and its optimizer over DJL arrays. */
@NullMarked
package dev.bellwether.trainer.model;

import org.jspecify.annotations.NullMarked;
