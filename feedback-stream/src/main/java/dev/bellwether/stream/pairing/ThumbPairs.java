package dev.bellwether.stream.pairing;

import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.state.WindowStore;
import org.apache.kafka.streams.state.WindowStoreIterator;

/** Ids of a prompt's pairs of thumbs in force, at the time of the newest interaction that changed them. */
final class ThumbPairs {
    private final WindowStore<String, PairIds> store;

    record PairIds(Set<String> ids) {
        PairIds {
            ids = Set.copyOf(ids);
        }
    }

    ThumbPairs(WindowStore<String, PairIds> store) {
        this.store = store;
    }

    Set<String> of(String prompt) {
        Set<String> all = new TreeSet<>();
        try (WindowStoreIterator<PairIds> known = store.fetch(prompt, 0, Long.MAX_VALUE)) {
            known.forEachRemaining(each -> all.addAll(each.value.ids()));
        }
        return all;
    }

    void replace(String prompt, Set<String> ids, long time) {
        long at = time;
        try (WindowStoreIterator<PairIds> known = store.fetch(prompt, 0, Long.MAX_VALUE)) {
            while (known.hasNext()) {
                KeyValue<Long, PairIds> before = known.next();
                at = Math.max(at, before.key);
                store.put(prompt, null, before.key);
            }
        }
        if (!ids.isEmpty()) {
            store.put(prompt, new PairIds(ids), at);
        }
    }
}
