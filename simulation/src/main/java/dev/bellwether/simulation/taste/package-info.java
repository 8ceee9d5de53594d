/** What customers like: a hidden taste of rules, and the satisfaction that follows from it. */
@NullMarked
package dev.bellwether.simulation.taste;

import org.jspecify.annotations.NullMarked;
