/** The bots and the API keys, read from files that may change while the gateway runs. */
@NullMarked
package dev.bellwether.gateway.bots;

import org.jspecify.annotations.NullMarked;
