package dev.bellwether.stream.pairing;

import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.WindowStore;

/** What a store holds under {@code group/id}, where groups are of one length and ids in the order of time. */
final class Newest {
    /** Behind the slash. */
    private static final char AFTER_SLASH = '0';

    private Newest() {}

    /** The newest of a group, newest first. */
    static <V> List<V> of(WindowStore<String, V> store, String group, int count) {
        List<V> newest = new ArrayList<>();
        try (KeyValueIterator<Windowed<String>, V> all =
                store.backwardFetch(group + "/", group + AFTER_SLASH, 0, Long.MAX_VALUE)) {
            while (all.hasNext() && newest.size() < count) {
                newest.add(all.next().value);
            }
        }
        return newest;
    }
}
