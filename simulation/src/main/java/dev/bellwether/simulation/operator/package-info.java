/** The operators' port of a gateway. */
@NullMarked
package dev.bellwether.simulation.operator;

import org.jspecify.annotations.NullMarked;
