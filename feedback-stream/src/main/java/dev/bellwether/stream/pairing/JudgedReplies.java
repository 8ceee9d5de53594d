package dev.bellwether.stream.pairing;

import dev.bellwether.event.InteractionId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.WindowStore;

/** Judged interactions by prompt, each by itself, at the time that its id holds. */
final class JudgedReplies {
    /** Behind the slash that stands between a prompt's key and an id. */
    private static final char AFTER_SLASH = '0';

    private final WindowStore<String, Judged> store;

    JudgedReplies(WindowStore<String, Judged> store) {
        this.store = store;
    }

    Optional<Judged> of(String prompt, String interactionId) {
        return Optional.ofNullable(store.fetch(prompt + "/" + interactionId, InteractionId.time(interactionId)));
    }

    /** The newest of a prompt, newest first. */
    List<Judged> newest(String prompt, int count) {
        List<Judged> newest = new ArrayList<>();
        try (KeyValueIterator<Windowed<String>, Judged> all =
                store.backwardFetch(prompt + "/", prompt + AFTER_SLASH, 0, Long.MAX_VALUE)) {
            while (all.hasNext() && newest.size() < count) {
                newest.add(all.next().value);
            }
        }
        return newest;
    }

    void put(String prompt, Judged judged) {
        store.put(prompt + "/" + judged.id(), judged, InteractionId.time(judged.id()));
    }
}
