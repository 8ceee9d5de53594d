package dev.bellwether.stream.erasure;

import dev.bellwether.event.Erasure;
import dev.bellwether.event.InteractionId;
import dev.bellwether.stream.FirstRecord;
import dev.bellwether.stream.GroupedStore;
import dev.bellwether.stream.JsonSerde;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;
import org.apache.kafka.streams.state.WindowStoreIterator;
import org.jspecify.annotations.Nullable;

/**
 * The interactions of a partition by their user, and who asked to be forgotten when.
 *
 * <p>A user who is forgotten is so up to the moment of asking: what began before goes, also where it comes later, from a
 * gateway that could not reach Kafka; what begins afterwards is somebody's who came back.
 */
public final class Users {
    private static final String INTERACTIONS = "interactions-by-user";
    private static final String ERASED = "erased-users";
    private static final String ERASING = "erasing-users";

    /** As long as anything follows from an interaction. */
    private static final Duration KEPT = Duration.ofDays(180);

    private final GroupedStore<Forgotten> interactions;

    /** When each asked, in milliseconds since 1970, at the time when the stream heard of it. */
    private final WindowStore<String, Long> erased;

    /** Whose interactions are not all forgotten yet. */
    private final KeyValueStore<String, Asked> erasing;

    /** Whether anybody asked, as far as is known: hardly ever, and looking for one user in the store is dear. */
    private @Nullable Boolean anybody;

    /**
     * That a user asked to be forgotten.
     *
     * @param time by the clock of who was asked; {@code heard} by the stream's
     */
    record Asked(long time, long heard) {}

    public Users(ProcessorContext<?, ?> context) {
        interactions = new GroupedStore<>(context, INTERACTIONS);
        erased = context.getStateStore(ERASED);
        erasing = context.getStateStore(ERASING);
        FirstRecord.in(context, ERASED, ERASING);
    }

    /** @param late how much later than asked something of before may come */
    public static Set<StoreBuilder<?>> stores(Duration late) {
        return Set.of(
                GroupedStore.builder(INTERACTIONS, KEPT, Forgotten.class),
                Stores.windowStoreBuilder(
                        Stores.persistentWindowStore(ERASED, late, Duration.ofMillis(1), false),
                        Serdes.String(),
                        Serdes.Long()),
                Stores.keyValueStoreBuilder(
                        Stores.persistentKeyValueStore(ERASING), Serdes.String(), JsonSerde.of(Asked.class)));
    }

    /** Whether what {@code user} said or was told in an interaction is no longer to be known. */
    public boolean forgot(@Nullable String user, String interactionId, long appended) {
        if (user == null || !anybodyAsked()) {
            return false;
        }
        try (WindowStoreIterator<Long> asked = erased.fetch(user, 0, Long.MAX_VALUE)) {
            while (asked.hasNext()) {
                KeyValue<Long, Long> each = asked.next();
                if (InteractionId.time(interactionId) <= each.value || appended <= each.key) {
                    return true;
                }
            }
        }
        return false;
    }

    private boolean anybodyAsked() {
        if (anybody == null) {
            try (KeyValueIterator<?, Long> all = erased.all()) {
                anybody = all.hasNext();
            }
        }
        return anybody;
    }

    /** Makes an interaction one that can be found by its user. */
    public void remember(Forgotten interaction) {
        interactions.put(interaction.userHash(), interaction.interactionId(), interaction);
    }

    /**
     * Forgets a user's interactions from now on; {@link #next} gives those that there are.
     *
     * @param now when the stream heard of it
     */
    public void forget(Erasure erasure, long now) {
        anybody = true;
        erased.put(erasure.userHash(), erasure.time(), now);
        erasing.put(erasure.userHash(), new Asked(erasure.time(), now));
    }

    /** At most {@code count} interactions of users who asked to be forgotten; they are found no more. */
    public List<Forgotten> next(int count) {
        List<Forgotten> next = new ArrayList<>();
        List<String> done = new ArrayList<>();
        try (KeyValueIterator<String, Asked> all = erasing.all()) {
            while (all.hasNext() && next.size() < count) {
                KeyValue<String, Asked> each = all.next();
                List<Forgotten> own = interactions.newest(
                        each.key, known -> known.before(each.value.time(), each.value.heard()), count - next.size());
                next.addAll(own);
                if (next.size() < count) {
                    done.add(each.key);
                }
            }
        }
        next.forEach(each -> interactions.remove(each.userHash(), each.interactionId()));
        done.forEach(erasing::delete);
        return next;
    }
}
