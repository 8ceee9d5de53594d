/** What is measured of learning, run after run of the demo with other tastes, seeds and settings. */
@NullMarked
package dev.bellwether.simulation.experiment;

import org.jspecify.annotations.NullMarked;
