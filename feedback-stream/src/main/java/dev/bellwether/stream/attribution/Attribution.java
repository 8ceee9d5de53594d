package dev.bellwether.stream.attribution;

import dev.bellwether.event.DeadLetter;
import dev.bellwether.event.Erasure;
import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.InteractionId;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.stream.FirstRecord;
import dev.bellwether.stream.JsonSerde;
import dev.bellwether.stream.attribution.Attributed.Erased;
import dev.bellwether.stream.attribution.Attributed.Lost;
import dev.bellwether.stream.attribution.Attributed.Rated;
import dev.bellwether.stream.attribution.Attributed.Served;
import dev.bellwether.stream.erasure.Forgotten;
import dev.bellwether.stream.erasure.Forgotten.Place;
import dev.bellwether.stream.erasure.Users;
import dev.bellwether.stream.pairing.PromptKey;
import dev.bellwether.topic.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.StreamPartitioner;
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
import org.jspecify.annotations.Nullable;

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

    private static final int RATED_BYTES_MAX = Topics.RECORD_BYTES_MAX - (64 << 10);

    private static final Duration EXPIRES_EVERY = Duration.ofMinutes(1);
    private static final Duration FORGETS_EVERY = Duration.ofMillis(500);
    private static final int FORGOTTEN_AT_ONCE_MAX = 1_000;
    private static final int EXPIRED_AT_ONCE_MAX = 1_000;

    private Attribution() {}

    /**
     * Each interaction once; every change of its judgements as a rated interaction with a higher revision; as dead
     * letters the feedback that waited in vain for its interaction, or was too much for one; and the interactions of
     * users who are forgotten.
     *
     * @param erasures by user; each partition looks for its own interactions of that user
     * @param waits how long feedback waits for its interaction
     */
    public static KStream<String, Attributed> join(
            KStream<String, Interaction> interactions,
            KStream<String, Feedback> feedback,
            KStream<String, Erasure> erasures,
            Duration waits) {
        KStream<String, Event> everywhere = erasures.repartition(
                        Repartitioned.with(Topics.ERASURES.keySerde(), Topics.ERASURES.valueSerde())
                                .withName("erasures-everywhere")
                                .withStreamPartitioner(new Everywhere()))
                .mapValues(erasure -> erasure);
        return interactions
                .<Event>mapValues(interaction -> interaction)
                .merge(feedback.mapValues(judgement -> judgement))
                .merge(everywhere)
                .process(new Step(waits));
    }

    /** Nobody knows in which partitions a user's interactions are. */
    private static final class Everywhere implements StreamPartitioner<String, Erasure> {
        @Override
        public Optional<Set<Integer>> partitions(String topic, String user, Erasure erasure, int count) {
            return Optional.of(IntStream.range(0, count).boxed().collect(Collectors.toSet()));
        }
    }

    private record Step(Duration waits) implements ProcessorSupplier<String, Event, String, Attributed> {
        @Override
        public Processor<String, Event, String, Attributed> get() {
            return new Join(waits);
        }

        private Duration kept() {
            return waits.multipliedBy(VALIDITIES_KEPT);
        }

        @Override
        public Set<StoreBuilder<?>> stores() {
            Set<StoreBuilder<?>> stores = new HashSet<>(Users.stores(kept()));
            stores.addAll(Set.of(
                    Stores.windowStoreBuilder(
                            Stores.persistentWindowStore(INTERACTIONS, kept(), Duration.ofMillis(1), false),
                            Serdes.String(),
                            Topics.INTERACTIONS.valueSerde()),
                    Stores.windowStoreBuilder(
                            Stores.persistentWindowStore(JUDGEMENTS, kept(), Duration.ofMillis(1), false),
                            Serdes.String(),
                            JsonSerde.of(Judgements.class)),
                    Stores.keyValueStoreBuilder(
                            Stores.persistentKeyValueStore(WAITING), Serdes.String(), Serdes.String())));
            return stores;
        }
    }

    private static final class Join extends ContextualProcessor<String, Event, String, Attributed> {
        private final Duration waits;

        @SuppressWarnings("NullAway.Init")
        private WindowStore<String, Interaction> interactions;

        @SuppressWarnings("NullAway.Init")
        private WindowStore<String, Judgements> judgements;

        /** Ids of interactions that have not come, by when the first judgement of each did. */
        @SuppressWarnings("NullAway.Init")
        private KeyValueStore<String, String> waiting;

        @SuppressWarnings("NullAway.Init")
        private Users users;

        private Join(Duration waits) {
            this.waits = waits;
        }

        @Override
        public void init(ProcessorContext<String, Attributed> context) {
            super.init(context);
            interactions = context.getStateStore(INTERACTIONS);
            judgements = context.getStateStore(JUDGEMENTS);
            waiting = context.getStateStore(WAITING);
            users = new Users(context);
            FirstRecord.in(context, INTERACTIONS, JUDGEMENTS, WAITING);
            context.schedule(EXPIRES_EVERY, PunctuationType.STREAM_TIME, this::expire);
            context.schedule(FORGETS_EVERY, PunctuationType.WALL_CLOCK_TIME, _ -> forgetNext(time()));
        }

        @Override
        public void process(Record<String, Event> record) {
            if (record.value() instanceof Erasure erasure) {
                users.forget(erasure, record.timestamp());
                forgetNext(record.timestamp());
                return;
            }
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
                take(record, arrived, known, time);
            } else if (record.value() instanceof Feedback judgement && !known.contains(judgement)) {
                take(record, judgement, known, interaction, time);
            }
        }

        private void take(Record<String, Event> record, Interaction arrived, Judgements known, long time) {
            if (users.forgot(arrived.userHash(), record.key(), record.timestamp())) {
                return;
            }
            if (!known.feedback().isEmpty()) {
                requireSize(known.rate(arrived));
            }
            interactions.put(record.key(), arrived, time);
            index(record, arrived.userHash(), place(arrived));
            context().forward(record.withValue(new Served(arrived)));
            if (known.waitsSince() > 0) {
                waiting.delete(place(known.waitsSince(), record.key()));
            }
            if (!known.feedback().isEmpty()) {
                rate(record, arrived, known, time);
            }
        }

        private void take(
                Record<String, Event> record,
                Feedback judgement,
                Judgements known,
                @Nullable Interaction interaction,
                long time) {
            if (users.forgot(judgement.userHash(), record.key(), record.timestamp())) {
                return;
            }
            Judgements all = known.with(judgement);
            Optional<Feedback> excess = all.excess();
            Judgements kept = excess.map(all::without).orElse(all);
            if (interaction != null) {
                requireSize(kept.rate(interaction));
            }
            excess.ifPresent(
                    gone -> context().forward(record.withValue(lost(gone, "too many judgements of one reply"))));
            if (interaction == null) {
                await(record, kept, time);
                index(record, judgement.userHash(), null);
            } else {
                rate(record, interaction, kept, time);
            }
        }

        private void index(Record<String, Event> record, @Nullable String user, @Nullable Place place) {
            if (user != null) {
                users.remember(new Forgotten(record.key(), user, record.timestamp(), place));
            }
        }

        private static Place place(Interaction each) {
            String prompt = PromptKey.of(each.bot(), each.prompt());
            return new Place(each.bot(), prompt, each.conversationId(), each.experiment(), each.holdout());
        }

        private long time() {
            return Math.max(0, context().currentStreamTimeMs());
        }

        /** Some of a user's interactions: of one who stands for many there may be more than fit into a transaction's time. */
        private void forgetNext(long now) {
            users.next(FORGOTTEN_AT_ONCE_MAX).forEach(each -> forget(each, now));
        }

        private void forget(Forgotten each, long now) {
            long time = InteractionId.time(each.interactionId());
            Judgements known = judgements.fetch(each.interactionId(), time);
            if (known != null && known.waitsSince() > 0) {
                waiting.delete(place(known.waitsSince(), each.interactionId()));
            }
            interactions.put(each.interactionId(), null, time);
            judgements.put(each.interactionId(), null, time);
            context().forward(new Record<>(each.interactionId(), new Erased(each), now));
        }

        /** What nobody read to its end cannot be judged; the judgements stay all the same. */
        private void rate(Record<String, Event> record, Interaction interaction, Judgements kept, long time) {
            Judgements revised = kept.revised();
            judgements.put(record.key(), revised, time);
            if (interaction.complete()) {
                context().forward(record.withValue(new Rated(revised.rate(interaction))));
            }
        }

        /** With what steps behind this one put around it. */
        private static void requireSize(RatedInteraction rated) {
            int bytes = Topics.RATED_INTERACTIONS
                    .valueSerde()
                    .serializer()
                    .serialize(Topics.RATED_INTERACTIONS.name(), rated)
                    .length;
            if (bytes > RATED_BYTES_MAX) {
                throw new IllegalArgumentException(
                        "its interaction with all judgements of it has %d bytes, more than %d"
                                .formatted(bytes, RATED_BYTES_MAX));
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
                                            each.value, lost(judgement, "its interaction never came"), now)));
                }
            }
        }

        private static Lost lost(Feedback judgement, String reason) {
            byte[] bytes = Topics.FEEDBACK.valueSerde().serializer().serialize(Topics.FEEDBACK.name(), judgement);
            return new Lost(DeadLetter.of(Topics.FEEDBACK.name(), -1, -1, bytes, reason));
        }
    }
}
