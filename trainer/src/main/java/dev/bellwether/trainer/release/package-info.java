/** From trained parameters to a version in the policy store: rounding, golden cases, the release gate. */
@NullMarked
package dev.bellwether.trainer.release;

import org.jspecify.annotations.NullMarked;
