/** A refresh from snapshot to publication, and the service that runs one when enough feedback has come. */
@NullMarked
package dev.bellwether.trainer.refresh;

import org.jspecify.annotations.NullMarked;
