/** Supervised fine-tuning, and the corpus that the default policy is made of. */
@NullMarked
package dev.bellwether.trainer.sft;

import org.jspecify.annotations.NullMarked;
