/** Speed, measured against a floor or a peer in the same run. */
@NullMarked
package dev.bellwether.simulation.benchmark;

import org.jspecify.annotations.NullMarked;
