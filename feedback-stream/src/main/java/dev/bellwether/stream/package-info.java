/** The feedback stream: its start, and the topology of its steps. */
@NullMarked
package dev.bellwether.stream;

import org.jspecify.annotations.NullMarked;
