/** The gateway's start: its configuration and its wiring. */
@NullMarked
package dev.bellwether.gateway;

import org.jspecify.annotations.NullMarked;
