package dev.bellwether.stream;

import com.fasterxml.jackson.databind.type.TypeFactory;
import dev.bellwether.event.InteractionId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
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
    private static final TypeFactory TYPES = TypeFactory.defaultInstance();

    private final WindowStore<String, List<Entry<V>>> store;

    /** One of those of a millisecond. */
    record Entry<V>(String id, V value) {}

    public GroupedStore(ProcessorContext<?, ?> context, String name) {
        store = context.getStateStore(name);
        FirstRecord.in(context, name);
    }

    public static <V> StoreBuilder<?> builder(String name, Duration kept, Class<V> type) {
        return Stores.windowStoreBuilder(
                Stores.persistentWindowStore(name, kept, Duration.ofMillis(1), false),
                Serdes.String(),
                JsonSerde.<List<Entry<V>>>of(
                        TYPES.constructCollectionType(List.class, TYPES.constructParametricType(Entry.class, type))));
    }

    public Optional<V> of(String group, String interactionId) {
        return at(group, interactionId).stream()
                .filter(each -> each.id().equals(interactionId))
                .findFirst()
                .map(Entry::value);
    }

    private List<Entry<V>> at(String group, String interactionId) {
        List<Entry<V>> known = store.fetch(group, InteractionId.time(interactionId));
        return known == null ? List.of() : known;
    }

    /** Of a group, newest first, at most {@code count}. */
    public List<V> newest(String group, int count) {
        return newest(group, _ -> true, count);
    }

    /** The same of those that are {@code wanted}. */
    public List<V> newest(String group, Predicate<V> wanted, int count) {
        List<V> newest = new ArrayList<>();
        try (WindowStoreIterator<List<Entry<V>>> all = store.backwardFetch(group, 0, Long.MAX_VALUE)) {
            while (all.hasNext() && newest.size() < count) {
                all.next().value.stream()
                        .filter(each -> wanted.test(each.value()))
                        .sorted(Comparator.comparing((Entry<V> each) -> each.id())
                                .reversed())
                        .limit(count - newest.size())
                        .forEach(each -> newest.add(each.value()));
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
        List<Entry<V>> all = new ArrayList<>(at(group, interactionId));
        all.removeIf(each -> each.id().equals(interactionId));
        if (value != null) {
            all.add(new Entry<>(interactionId, value));
        }
        store.put(group, all.isEmpty() ? null : all, InteractionId.time(interactionId));
    }
}
