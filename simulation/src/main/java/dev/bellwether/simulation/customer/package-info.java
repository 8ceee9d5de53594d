/** Simulated customers: one conversation each, many at once, and a ledger of every judgement acknowledged. */
@NullMarked
package dev.bellwether.simulation.customer;

import org.jspecify.annotations.NullMarked;
