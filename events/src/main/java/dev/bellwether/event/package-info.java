/** What the services say to one another, as records; times are milliseconds since 1970, users appear as keyed hashes. */
@NullMarked
package dev.bellwether.event;

import org.jspecify.annotations.NullMarked;
