/** Masks personal data in what is recorded, before it leaves the gateway. */
@NullMarked
package dev.bellwether.gateway.privacy;

import org.jspecify.annotations.NullMarked;
