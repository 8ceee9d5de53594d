/** What is measured apart from the traffic: a version\x27s true satisfaction, and what the topics hold. */
@NullMarked
package dev.bellwether.simulation.measurement;

import org.jspecify.annotations.NullMarked;
