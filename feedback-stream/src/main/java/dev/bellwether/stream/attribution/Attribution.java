package dev.bellwether.stream.attribution;

import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.stream.JsonSerde;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/** The step that turns interactions and feedback into rated interactions. */
public final class Attribution {
    private static final String STORE = "attribution";
    private static final Duration SWEEP = Duration.ofMinutes(10);

    private Attribution() {}

    /**
     * Every change of an interaction's judgements as a rated interaction with a higher revision.
     *
     * @param waits how long feedback waits for its interaction, and an interaction for feedback
     */
    public static KStream<String, RatedInteraction> join(
            StreamsBuilder builder,
            KStream<String, Interaction> interactions,
            KStream<String, Feedback> feedback,
            Duration waits) {
        builder.addStateStore(Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(STORE), Serdes.String(), new JsonSerde<>(Attributed.class)));
        KStream<String, Event> both = interactions
                .<Event>mapValues(interaction -> interaction)
                .merge(feedback.mapValues(judgement -> judgement));
        return both.processValues(() -> new Join(waits), STORE);
    }

    private static final class Join extends ContextualFixedKeyProcessor<String, Event, RatedInteraction> {
        private final Duration waits;

        @SuppressWarnings("NullAway.Init")
        private KeyValueStore<String, Attributed> store;

        private Join(Duration waits) {
            this.waits = waits;
        }

        @Override
        public void init(FixedKeyProcessorContext<String, RatedInteraction> context) {
            super.init(context);
            store = context.getStateStore(STORE);
            context.schedule(SWEEP, PunctuationType.STREAM_TIME, this::expire);
        }

        @Override
        public void process(FixedKeyRecord<String, Event> record) {
            Attributed stored = store.get(record.key());
            Attributed before = stored == null ? Attributed.NOTHING : stored;
            long now = record.timestamp();
            Attributed after = record.value() instanceof Interaction interaction
                    ? before.with(interaction, now)
                    : record.value() instanceof Feedback judgement ? before.with(judgement, now) : before;
            if (after.equals(before)) {
                return;
            }
            Attributed kept = after.rated().isPresent() ? after.revised() : after;
            store.put(record.key(), kept);
            kept.rated().ifPresent(rated -> context().forward(record.withValue(rated)));
        }

        private void expire(long now) {
            List<String> old = new ArrayList<>();
            try (KeyValueIterator<String, Attributed> all = store.all()) {
                while (all.hasNext()) {
                    KeyValue<String, Attributed> entry = all.next();
                    if (now - entry.value.touched() > waits.toMillis()) {
                        old.add(entry.key);
                    }
                }
            }
            old.forEach(store::delete);
        }
    }
}
