/** What is measured apart from the traffic: a version's true satisfaction, and what the topics hold. */
@NullMarked
package dev.bellwether.simulation.measurement;

import org.jspecify.annotations.NullMarked;
