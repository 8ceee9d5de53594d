/** Rate limits and idempotency, kept in Redis. */
@NullMarked
package dev.bellwether.gateway.limits;

import org.jspecify.annotations.NullMarked;
