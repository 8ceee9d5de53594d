/** The trainer's command line. */
@NullMarked
package dev.bellwether.trainer;

import org.jspecify.annotations.NullMarked;
