/** Chat completions in OpenAI's dialect. */
@NullMarked
package dev.bellwether.gateway.chat;

import org.jspecify.annotations.NullMarked;
