/** Forgets users: what is known of each is found by the user, and goes, now and when it comes late. */
@NullMarked
package dev.bellwether.stream.erasure;

import org.jspecify.annotations.NullMarked;
