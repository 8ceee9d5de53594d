package dev.bellwether.trainer.collected;

import dev.bellwether.event.Message;
import java.util.List;

/** What somebody said of replies to a prompt. */
sealed interface Judged {
    List<Message> prompt();

    /** One reply was preferred to another. */
    record Pair(List<Message> prompt, String chosen, String rejected) implements Judged {
        public Pair {
            if (chosen.equals(rejected)) {
                throw new IllegalArgumentException("chosen and rejected are the same");
            }
        }
    }

    /** A reply was liked or not. */
    record Thumb(List<Message> prompt, String reply, boolean up) implements Judged {}
}
