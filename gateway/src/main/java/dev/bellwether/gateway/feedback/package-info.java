/** Judgements of replies, and the token that entitles to them. */
@NullMarked
package dev.bellwether.gateway.feedback;

import org.jspecify.annotations.NullMarked;
