package dev.bellwether.stream;

import dev.bellwether.event.InteractionId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;
import org.apache.kafka.streams.state.WindowStoreIterator;
import org.jspecify.annotations.Nullable;

/**
 * What belongs to interactions of a group, each by itself, at the time that its id holds; it goes with its segment.
 *
 * <p>The group is the whole key and the time the window, since a window store finds one key's windows by a seek. A range
 * of keys it finds by reading on to the end of the store: the bounds that it looks between share but their first byte.
 * Those of one millisecond lie together.
 */
public final class GroupedStore<V> {
    private final WindowStore<String, Map<String, V>> store;

    public GroupedStore(ProcessorContext<?, ?> context, String name) {
        store = context.getStateStore(name);
    }

    public static <V> StoreBuilder<?> builder(String name, Duration kept, Class<V> type) {
        return Stores.windowStoreBuilder(
                Stores.persistentWindowStore(name, kept, Duration.ofMillis(1), false),
                Serdes.String(),
                JsonSerde.mapOf(type));
    }

    public Optional<V> of(String group, String interactionId) {
        return Optional.ofNullable(at(group, interactionId).get(interactionId));
    }

    private Map<String, V> at(String group, String interactionId) {
        Map<String, V> known = store.fetch(group, InteractionId.time(interactionId));
        return known == null ? Map.of() : known;
    }

    /** Of a group, newest first, at most {@code count}. */
    public List<V> newest(String group, int count) {
        return newest(group, Long.MAX_VALUE, count);
    }

    /** The same of those no later than {@code time}, in milliseconds since 1970. */
    public List<V> newest(String group, long time, int count) {
        List<V> newest = new ArrayList<>();
        try (WindowStoreIterator<Map<String, V>> all = store.backwardFetch(group, 0, time)) {
            while (all.hasNext() && newest.size() < count) {
                new TreeMap<>(all.next().value)
                        .descendingMap().values().stream()
                                .limit(count - newest.size())
                                .forEach(newest::add);
            }
        }
        return newest;
    }

    /** Puts in, in the place of what there was of the same interaction. */
    public void put(String group, String interactionId, V value) {
        replace(group, interactionId, value);
    }

    public void remove(String group, String interactionId) {
        replace(group, interactionId, null);
    }

    private void replace(String group, String interactionId, @Nullable V value) {
        Map<String, V> all = new TreeMap<>(at(group, interactionId));
        if (value == null) {
            all.remove(interactionId);
        } else {
            all.put(interactionId, value);
        }
        store.put(group, all.isEmpty() ? null : all, InteractionId.time(interactionId));
    }
}
