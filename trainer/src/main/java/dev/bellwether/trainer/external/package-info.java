/** Training by a command of the operator's: what it is given, what it may ask, and what it gives back. */
@NullMarked
package dev.bellwether.trainer.external;

import org.jspecify.annotations.NullMarked;
