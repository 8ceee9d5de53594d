/** What every route shares: bodies read strictly, errors in one shape, requests counted and bounded. */
@NullMarked
package dev.bellwether.gateway.http;

import org.jspecify.annotations.NullMarked;
