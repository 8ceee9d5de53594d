/** The commands that send simulated customers to a service and operate its rollouts. */
@NullMarked
package dev.bellwether.simulation;

import org.jspecify.annotations.NullMarked;
