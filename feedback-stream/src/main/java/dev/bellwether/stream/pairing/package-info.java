/** Makes comparison pairs of rated interactions, and takes them back. */
@NullMarked
package dev.bellwether.stream.pairing;

import org.jspecify.annotations.NullMarked;
