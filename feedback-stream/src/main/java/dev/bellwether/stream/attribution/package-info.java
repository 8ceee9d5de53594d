/** Joins feedback to the interaction it judges, in whatever order they arrive. */
@NullMarked
package dev.bellwether.stream.attribution;

import org.jspecify.annotations.NullMarked;
