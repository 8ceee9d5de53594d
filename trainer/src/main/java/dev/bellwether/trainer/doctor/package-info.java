/** What this machine has, and what of it is used. */
@NullMarked
package dev.bellwether.trainer.doctor;

import org.jspecify.annotations.NullMarked;
