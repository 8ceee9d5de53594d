/** The kinds of numbers that the commands' options take. */
@NullMarked
package dev.bellwether.trainer.option;

import org.jspecify.annotations.NullMarked;
