/** The two HTTP servers, who may call them, and how errors look. */
@NullMarked
package dev.bellwether.gateway.http;

import org.jspecify.annotations.NullMarked;
