/**
 * The client of Bellwether: {@link dev.bellwether.sdk.BellwetherClient} chats, streams, and hands in
 * {@link dev.bellwether.sdk.Feedback}; whatever goes wrong is a {@link dev.bellwether.sdk.BellwetherException}.
 */
@NullMarked
package dev.bellwether.sdk;

import org.jspecify.annotations.NullMarked;
