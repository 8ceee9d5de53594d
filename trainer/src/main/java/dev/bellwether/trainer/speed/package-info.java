/** How fast a model is trained here, phase by phase. */
@NullMarked
package dev.bellwether.trainer.speed;

import org.jspecify.annotations.NullMarked;
