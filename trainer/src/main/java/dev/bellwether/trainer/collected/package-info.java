/** Judgements that were collected elsewhere: their formats, and the snapshot that they make. */
@NullMarked
package dev.bellwether.trainer.collected;

import org.jspecify.annotations.NullMarked;
