/** Files that people hand over, and files that they ask for. */
@NullMarked
package dev.bellwether.simulation.file;

import org.jspecify.annotations.NullMarked;
