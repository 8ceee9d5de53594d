/** Training by a command. */
@NullMarked
package dev.bellwether.trainer.external;

import org.jspecify.annotations.NullMarked;
