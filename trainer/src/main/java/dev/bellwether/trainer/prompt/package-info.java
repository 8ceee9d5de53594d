/** What a checkpoint's model reads of a conversation, for people to look at. */
@NullMarked
package dev.bellwether.trainer.prompt;

import org.jspecify.annotations.NullMarked;
