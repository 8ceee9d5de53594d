package dev.bellwether.stream.pairing;

import dev.bellwether.event.InteractionId;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.streams.state.WindowStore;

/** Judged interactions by prompt, each by itself, at the time that its id holds. */
final class JudgedReplies {
    private final WindowStore<String, Judged> store;

    JudgedReplies(WindowStore<String, Judged> store) {
        this.store = store;
    }

    Optional<Judged> of(String prompt, String interactionId) {
        return Optional.ofNullable(store.fetch(prompt + "/" + interactionId, InteractionId.time(interactionId)));
    }

    /** The newest of a prompt, newest first. */
    List<Judged> newest(String prompt, int count) {
        return Newest.of(store, prompt, count);
    }

    void put(String prompt, Judged judged) {
        store.put(prompt + "/" + judged.id(), judged, InteractionId.time(judged.id()));
    }

    void remove(String prompt, String interactionId) {
        store.put(prompt + "/" + interactionId, null, InteractionId.time(interactionId));
    }
}
