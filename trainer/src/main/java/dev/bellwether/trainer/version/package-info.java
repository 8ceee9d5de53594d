/** The versions of a bot: what operators add to the store, look at, and take out. */
@NullMarked
package dev.bellwether.trainer.version;

import org.jspecify.annotations.NullMarked;
