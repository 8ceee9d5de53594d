package dev.bellwether.stream.attribution;

import dev.bellwether.event.DeadLetter;
import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.Interaction;
import dev.bellwether.stream.JsonSerde;
import dev.bellwether.topic.Topics;
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/** The step that turns interactions and feedback into rated interactions. */
public final class Attribution {
    private static final String STORE = "attribution";
    private static final Duration SWEEP = Duration.ofMinutes(10);

    private Attribution() {}

    /**
     * Every change of an interaction's judgements as a rated interaction with a higher revision; and as dead letters the
     * feedback that waited in vain for its interaction, or was too much for one.
     *
     * @param waits how long feedback waits for its interaction, and an interaction for feedback
     */
    public static KStream<String, Event> join(
            StreamsBuilder builder,
            KStream<String, Interaction> interactions,
            KStream<String, Feedback> feedback,
            Duration waits) {
        builder.addStateStore(Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(STORE), Serdes.String(), new JsonSerde<>(Attributed.class)));
        KStream<String, Event> both = interactions
                .<Event>mapValues(interaction -> interaction)
                .merge(feedback.mapValues(judgement -> judgement));
        return both.process(() -> new Join(waits), STORE);
    }

    private static final class Join extends ContextualProcessor<String, Event, String, Event> {
        private final Duration waits;

        @SuppressWarnings("NullAway.Init")
        private KeyValueStore<String, Attributed> store;

        private Join(Duration waits) {
            this.waits = waits;
        }

        @Override
        public void init(ProcessorContext<String, Event> context) {
            super.init(context);
            store = context.getStateStore(STORE);
            context.schedule(SWEEP, PunctuationType.STREAM_TIME, this::expire);
        }

        @Override
        public void process(Record<String, Event> record) {
            Attributed stored = store.get(record.key());
            Attributed before = stored == null ? Attributed.NOTHING : stored;
            if (record.value() instanceof Interaction interaction) {
                keep(record, before, before.with(interaction, record.timestamp()));
            } else if (record.value() instanceof Feedback judgement) {
                Attributed after = before.with(judgement, record.timestamp());
                Optional<Feedback> excess = after.excess();
                keep(record, before, excess.map(after::without).orElse(after));
                excess.ifPresent(gone ->
                        context().forward(record.withValue(deadLetter(gone, "too many judgements of one reply"))));
            }
        }

        private void keep(Record<String, Event> record, Attributed before, Attributed after) {
            if (after.equals(before)) {
                return;
            }
            Attributed kept = after.rated().isPresent() ? after.revised() : after;
            store.put(record.key(), kept);
            kept.rated().ifPresent(rated -> context().forward(record.withValue(rated)));
        }

        private void expire(long now) {
            try (KeyValueIterator<String, Attributed> all = store.all()) {
                while (all.hasNext()) {
                    KeyValue<String, Attributed> entry = all.next();
                    if (now - entry.value.touched() > waits.toMillis()) {
                        store.delete(entry.key);
                        expired(entry.key, entry.value, now);
                    }
                }
            }
        }

        private void expired(String id, Attributed attributed, long now) {
            if (attributed.interaction() == null) {
                for (Feedback judgement : attributed.feedback()) {
                    context().forward(new Record<>(id, deadLetter(judgement, "its interaction never came"), now));
                }
            }
        }

        private static DeadLetter deadLetter(Feedback judgement, String reason) {
            byte[] bytes = Topics.FEEDBACK.valueSerde().serializer().serialize(Topics.FEEDBACK.name(), judgement);
            return new DeadLetter(
                    Event.SCHEMA,
                    Topics.FEEDBACK.name(),
                    -1,
                    -1,
                    Base64.getEncoder().encodeToString(bytes),
                    reason);
        }
    }
}
