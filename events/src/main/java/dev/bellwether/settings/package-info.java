/** The services' settings files, read again when they change. */
@NullMarked
package dev.bellwether.settings;

import org.jspecify.annotations.NullMarked;
