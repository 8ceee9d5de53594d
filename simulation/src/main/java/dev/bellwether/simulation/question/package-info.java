/** What customers ask, and what it is about. */
@NullMarked
package dev.bellwether.simulation.question;

import org.jspecify.annotations.NullMarked;
