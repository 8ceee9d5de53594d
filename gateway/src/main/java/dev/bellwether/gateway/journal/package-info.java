/** What happened, written durably. */
@NullMarked
package dev.bellwether.gateway.journal;

import org.jspecify.annotations.NullMarked;
