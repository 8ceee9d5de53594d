/** What came of a run, for people and for programs. */
@NullMarked
package dev.bellwether.simulation.report;

import org.jspecify.annotations.NullMarked;
