/** The policies that are loaded, and the replies they generate. */
@NullMarked
package dev.bellwether.gateway.serving;

import org.jspecify.annotations.NullMarked;
