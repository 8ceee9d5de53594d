/** Who calls: API keys, visitors of a page, and the secrets that seal what they carry. */
@NullMarked
package dev.bellwether.gateway.access;

import org.jspecify.annotations.NullMarked;
