package dev.bellwether.gateway.chat;

import dev.bellwether.event.Message;
import dev.bellwether.policy.prompt.Turn;
import java.util.List;

/** Turns of a request as the events' messages. */
final class Turns {
    private Turns() {}

    static List<Message> messages(List<Turn> turns) {
        return turns.stream()
                .map(turn -> new Message(turn.role(), turn.content()))
                .toList();
    }
}
