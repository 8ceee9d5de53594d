/** The demonstration: everything started, customers with a hidden taste, the loop closing, and the report of it. */
@NullMarked
package dev.bellwether.simulation.demo;

import org.jspecify.annotations.NullMarked;
