/** Users who are to be forgotten. */
@NullMarked
package dev.bellwether.gateway.erasure;

import org.jspecify.annotations.NullMarked;
