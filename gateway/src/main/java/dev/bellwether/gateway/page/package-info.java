/** The chat page for end users. */
@NullMarked
package dev.bellwether.gateway.page;

import org.jspecify.annotations.NullMarked;
