package dev.bellwether.stream.attribution;

import dev.bellwether.event.DeadLetter;
import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.InteractionId;
import dev.bellwether.stream.JsonSerde;
import dev.bellwether.topic.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;

/**
 * The step that turns interactions and feedback into rated interactions.
 *
 * <p>What belongs to an interaction lies in window stores at the time that its id holds, and goes with their segments.
 * What waits for its interaction is indexed by when it came, so that only what is due is ever read.
 */
public final class Attribution {
    private static final String INTERACTIONS = "interactions";
    private static final String JUDGEMENTS = "judgements";
    private static final String WAITING = "waiting";

    /** Judgements come as long as tokens are valid, after a reply that may itself have come late. */
    private static final int VALIDITIES_KEPT = 2;

    /** As far as a gateway's clock may be before the broker's; further, one id would let everything else expire. */
    private static final Duration AHEAD_MAX = Duration.ofHours(1);

    private static final Duration EXPIRES_EVERY = Duration.ofMinutes(1);
    private static final int EXPIRED_AT_ONCE_MAX = 1_000;

    private Attribution() {}

    /**
     * Every change of an interaction's judgements as a rated interaction with a higher revision; and as dead letters the
     * feedback that waited in vain for its interaction, or was too much for one.
     *
     * @param waits how long feedback waits for its interaction
     */
    public static KStream<String, Event> join(
            KStream<String, Interaction> interactions, KStream<String, Feedback> feedback, Duration waits) {
        KStream<String, Event> both = interactions
                .<Event>mapValues(interaction -> interaction)
                .merge(feedback.mapValues(judgement -> judgement));
        return both.process(new Step(waits));
    }

    private record Step(Duration waits) implements ProcessorSupplier<String, Event, String, Event> {
        @Override
        public Processor<String, Event, String, Event> get() {
            return new Join(waits);
        }

        private Duration kept() {
            return waits.multipliedBy(VALIDITIES_KEPT);
        }

        @Override
        public Set<StoreBuilder<?>> stores() {
            return Set.of(
                    Stores.windowStoreBuilder(
                            Stores.persistentWindowStore(INTERACTIONS, kept(), Duration.ofMillis(1), false),
                            Serdes.String(),
                            Topics.INTERACTIONS.valueSerde()),
                    Stores.windowStoreBuilder(
                            Stores.persistentWindowStore(JUDGEMENTS, kept(), Duration.ofMillis(1), false),
                            Serdes.String(),
                            new JsonSerde<>(Judgements.class)),
                    Stores.keyValueStoreBuilder(
                            Stores.persistentKeyValueStore(WAITING), Serdes.String(), Serdes.String()));
        }
    }

    private static final class Join extends ContextualProcessor<String, Event, String, Event> {
        private final Duration waits;

        @SuppressWarnings("NullAway.Init")
        private WindowStore<String, Interaction> interactions;

        @SuppressWarnings("NullAway.Init")
        private WindowStore<String, Judgements> judgements;

        /** Ids of interactions that have not come, by when the first judgement of each did. */
        @SuppressWarnings("NullAway.Init")
        private KeyValueStore<String, String> waiting;

        private Join(Duration waits) {
            this.waits = waits;
        }

        @Override
        public void init(ProcessorContext<String, Event> context) {
            super.init(context);
            interactions = context.getStateStore(INTERACTIONS);
            judgements = context.getStateStore(JUDGEMENTS);
            waiting = context.getStateStore(WAITING);
            context.schedule(EXPIRES_EVERY, PunctuationType.STREAM_TIME, this::expire);
        }

        @Override
        public void process(Record<String, Event> record) {
            long time = InteractionId.time(record.key());
            long ahead = time - record.timestamp();
            if (ahead > AHEAD_MAX.toMillis() || -ahead > waits.toMillis() * VALIDITIES_KEPT) {
                throw new IllegalArgumentException("its interaction's id is of %d minutes %s"
                        .formatted(Duration.ofMillis(Math.abs(ahead)).toMinutes(), ahead > 0 ? "later" : "before"));
            }
            Judgements known =
                    Optional.ofNullable(judgements.fetch(record.key(), time)).orElse(Judgements.NONE);
            Interaction interaction = interactions.fetch(record.key(), time);
            if (record.value() instanceof Interaction arrived && interaction == null) {
                interactions.put(record.key(), arrived, time);
                if (known.waitsSince() > 0) {
                    waiting.delete(place(known.waitsSince(), record.key()));
                }
                if (!known.feedback().isEmpty()) {
                    rate(record, arrived, known, time);
                }
            } else if (record.value() instanceof Feedback judgement && !known.contains(judgement)) {
                Judgements all = known.with(judgement);
                Optional<Feedback> excess = all.excess();
                Judgements kept = excess.map(all::without).orElse(all);
                excess.ifPresent(gone ->
                        context().forward(record.withValue(deadLetter(gone, "too many judgements of one reply"))));
                if (interaction == null) {
                    await(record, kept, time);
                } else {
                    rate(record, interaction, kept, time);
                }
            }
        }

        /** What nobody read to its end cannot be judged; the judgements stay all the same. */
        private void rate(Record<String, Event> record, Interaction interaction, Judgements kept, long time) {
            Judgements revised = kept.revised();
            judgements.put(record.key(), revised, time);
            if (interaction.complete()) {
                context().forward(record.withValue(revised.rate(interaction)));
            }
        }

        private void await(Record<String, Event> record, Judgements kept, long time) {
            // A time of 0 says that nothing waits.
            long since = kept.waitsSince() > 0 ? kept.waitsSince() : Math.max(1, record.timestamp());
            judgements.put(record.key(), kept.waitingSince(since), time);
            waiting.put(place(since, record.key()), record.key());
        }

        private static String place(long since, String id) {
            return "%016x/%s".formatted(since, id);
        }

        private void expire(long now) {
            List<KeyValue<String, String>> due = new ArrayList<>();
            try (KeyValueIterator<String, String> range =
                    waiting.range(null, place(Math.max(0, now - waits.toMillis()), ""))) {
                while (range.hasNext() && due.size() < EXPIRED_AT_ONCE_MAX) {
                    due.add(range.next());
                }
            }
            for (KeyValue<String, String> each : due) {
                waiting.delete(each.key);
                long time = InteractionId.time(each.value);
                Judgements lost = judgements.fetch(each.value, time);
                if (lost != null) {
                    judgements.put(each.value, null, time);
                    lost.feedback()
                            .forEach(judgement -> context()
                                    .forward(new Record<>(
                                            each.value, deadLetter(judgement, "its interaction never came"), now)));
                }
            }
        }

        private static DeadLetter deadLetter(Feedback judgement, String reason) {
            byte[] bytes = Topics.FEEDBACK.valueSerde().serializer().serialize(Topics.FEEDBACK.name(), judgement);
            return DeadLetter.of(Topics.FEEDBACK.name(), -1, -1, bytes, reason);
        }
    }
}
