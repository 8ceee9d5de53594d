/** Counts what rollouts decide by: first exposures and first judgements of each user. */
@NullMarked
package dev.bellwether.stream.scorecard;

import org.jspecify.annotations.NullMarked;
