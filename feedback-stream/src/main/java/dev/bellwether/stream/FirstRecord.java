package dev.bellwether.stream;

import java.time.Duration;
import org.apache.kafka.streams.processor.Cancellable;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.WindowStore;
import org.jspecify.annotations.Nullable;

/**
 * Gives each empty store of a step a first record in its changelog, the deletion of nothing.
 *
 * <p>Kafka Streams (4.3 and 4.4, exactly once) takes a store that has never had a record for one that was not closed, and
 * at the next start wipes whatever else its task remembers, to read all of it again.
 */
public final class FirstRecord {
    private static final String NOBODY = "";

    private @Nullable Cancellable schedule;

    private FirstRecord() {}

    public static void in(ProcessorContext<?, ?> context, String... stores) {
        FirstRecord first = new FirstRecord();
        first.schedule = context.schedule(Duration.ofMillis(1), PunctuationType.WALL_CLOCK_TIME, _ -> {
            for (String store : stores) {
                write(context.getStateStore(store));
            }
            first.done();
        });
    }

    private void done() {
        if (schedule != null) {
            schedule.cancel();
        }
    }

    private static void write(StateStore store) {
        if (store instanceof WindowStore<?, ?> windows) {
            try (KeyValueIterator<?, ?> all = windows.all()) {
                if (!all.hasNext()) {
                    forget(windows);
                }
            }
        } else if (store instanceof KeyValueStore<?, ?> keys) {
            try (KeyValueIterator<?, ?> all = keys.all()) {
                if (!all.hasNext()) {
                    forget(keys);
                }
            }
        }
    }

    /** Every store here has texts for keys. */
    @SuppressWarnings("unchecked")
    private static <V> void forget(WindowStore<?, V> store) {
        ((WindowStore<String, @Nullable V>) store).put(NOBODY, null, 0);
    }

    @SuppressWarnings("unchecked")
    private static <V> void forget(KeyValueStore<?, V> store) {
        ((KeyValueStore<String, V>) store).delete(NOBODY);
    }
}
