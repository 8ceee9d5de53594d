/** Which user is served by which version, and what operators may do about it. */
@NullMarked
package dev.bellwether.gateway.rollout;

import org.jspecify.annotations.NullMarked;
