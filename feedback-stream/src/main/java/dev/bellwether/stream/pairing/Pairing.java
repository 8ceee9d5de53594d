package dev.bellwether.stream.pairing;

import dev.bellwether.event.Event;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.stream.JsonSerde;
import dev.bellwether.topic.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;
import org.apache.kafka.streams.state.WindowStoreIterator;
import org.jspecify.annotations.Nullable;

/** The step that keeps, for every prompt, the pairs that its rated interactions give now. */
public final class Pairing {
    private static final String STORE = "prompt-groups";

    /** Of one prompt the newest rated interactions are remembered, within what Kafka takes as one record. */
    private static final int INTERACTIONS_MAX = 64;

    private static final int BYTES_MAX = Topics.RECORD_BYTES_MAX / 2;

    /** As long as the pairs themselves are kept. */
    private static final Duration KEPT = Duration.ofDays(180);

    private static final Duration SWEEP = Duration.ofDays(1);

    private static final String UNJUDGED_STORE = "unjudged-replies";

    private Pairing() {}

    /** What may change in a pair whose id stays. */
    record Emitted(double weight, long time) {}

    /**
     * Interactions of one prompt by id, rated or in the place of one that was regenerated, and the pairs made of them by
     * pair id.
     *
     * @param touched when the last of them came, in milliseconds
     */
    record PromptGroup(Map<String, RatedInteraction> rated, Map<String, Emitted> pairs, long touched) {
        private static final PromptGroup NOTHING = new PromptGroup(Map.of(), Map.of(), 0);
    }

    /**
     * New and changed pairs by id; none (a tombstone) for a pair that no longer holds.
     *
     * @param interactions all of them: a reply can be preferred by being kept, without a judgement of its own
     * @param waits how long such a reply waits for the news that another was regenerated
     */
    public static KStream<String, @Nullable PreferencePair> pairs(
            StreamsBuilder builder,
            KStream<String, Interaction> interactions,
            KStream<String, RatedInteraction> rated,
            Serde<RatedInteraction> ratedSerde,
            int partitions,
            Duration waits) {
        builder.addStateStore(Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(STORE), Serdes.String(), new JsonSerde<>(PromptGroup.class)));
        builder.addStateStore(Stores.windowStoreBuilder(
                Stores.persistentWindowStore(UNJUDGED_STORE, waits, waits, true), Serdes.String(), ratedSerde));
        KStream<String, RatedInteraction> unjudged =
                interactions.filter((id, each) -> mayReplaceAnother(each)).mapValues(Pairing::unjudged);
        return rated.merge(unjudged)
                .selectKey((id, each) -> PromptKey.of(
                        each.interaction().bot(), each.interaction().prompt()))
                .repartition(Repartitioned.with(Serdes.String(), ratedSerde)
                        .withName("rated-by-prompt")
                        .withNumberOfPartitions(partitions))
                .process(() -> new Recompute(ratedSerde), STORE, UNJUDGED_STORE);
    }

    /** The first reply of a conversation takes nobody's place; where its caller did not name it, that is known here. */
    private static boolean mayReplaceAnother(Interaction each) {
        return each.complete()
                && each.replies().size() == 1
                && !each.replies().getFirst().text().isBlank()
                && !each.conversationId().equals(each.interactionId());
    }

    private static RatedInteraction unjudged(Interaction each) {
        return new RatedInteraction(Event.SCHEMA, 0, each, List.of());
    }

    private static final class Recompute
            extends ContextualProcessor<String, RatedInteraction, String, @Nullable PreferencePair> {
        private final Serde<RatedInteraction> serde;

        @SuppressWarnings("NullAway.Init")
        private KeyValueStore<String, PromptGroup> store;

        @SuppressWarnings("NullAway.Init")
        private WindowStore<String, RatedInteraction> unjudged;

        private Recompute(Serde<RatedInteraction> serde) {
            this.serde = serde;
        }

        @Override
        public void init(ProcessorContext<String, @Nullable PreferencePair> context) {
            super.init(context);
            store = context.getStateStore(STORE);
            unjudged = context.getStateStore(UNJUDGED_STORE);
            context.schedule(SWEEP, PunctuationType.WALL_CLOCK_TIME, this::expire);
        }

        @Override
        public void process(Record<String, RatedInteraction> record) {
            RatedInteraction arrived = record.value();
            if (arrived.revision() == 0) {
                unjudged.put(
                        conversation(record.key(), arrived),
                        arrived,
                        arrived.interaction().time());
            }
            PromptGroup stored = store.get(record.key());
            PromptGroup before = stored == null ? PromptGroup.NOTHING : stored;
            Map<String, RatedInteraction> rated = new TreeMap<>(before.rated());
            if (arrived.revision() > 0) {
                rated.merge(
                        arrived.interaction().interactionId(),
                        arrived,
                        (known, other) -> known.revision() >= other.revision() ? known : other);
            }
            addReplacements(record.key(), arrived, rated);
            if (!rated.equals(before.rated())) {
                update(record, before, rated);
            }
        }

        /** Adds the replies without a judgement that came in the place of one that was regenerated. */
        private void addReplacements(String promptKey, RatedInteraction arrived, Map<String, RatedInteraction> rated) {
            List<RatedInteraction> regenerated =
                    rated.values().stream().filter(PairRules::regeneratedAway).toList();
            for (RatedInteraction away : regenerated) {
                long time = away.interaction().time();
                List<RatedInteraction> found = new ArrayList<>();
                if (arrived.revision() == 0 && PairRules.follows(arrived, away)) {
                    found.add(arrived);
                }
                try (WindowStoreIterator<RatedInteraction> replies = unjudged.fetch(
                        conversation(promptKey, away), time, time + PairRules.REPLACES_WITHIN.toMillis())) {
                    while (replies.hasNext() && found.size() < INTERACTIONS_MAX) {
                        found.add(replies.next().value);
                    }
                }
                found.forEach(reply -> rated.putIfAbsent(reply.interaction().interactionId(), reply));
            }
        }

        private static String conversation(String promptKey, RatedInteraction each) {
            Interaction interaction = each.interaction();
            return String.join(
                    "/",
                    promptKey,
                    Optional.ofNullable(interaction.userHash()).orElse(""),
                    interaction.conversationId());
        }

        private void update(
                Record<String, RatedInteraction> record, PromptGroup before, Map<String, RatedInteraction> rated) {
            Map<String, RatedInteraction> newest = newest(rated);
            if (newest.equals(before.rated())) {
                return;
            }
            Map<String, PreferencePair> after = PairRules.apply(newest.values());
            for (String gone : before.pairs().keySet()) {
                if (!after.containsKey(gone)) {
                    context().forward(record.withKey(gone).withValue(null));
                }
            }
            Map<String, Emitted> pairs = new TreeMap<>();
            after.forEach((pairId, pair) -> {
                Emitted emitted = new Emitted(pair.weight(), pair.time());
                pairs.put(pairId, emitted);
                if (!emitted.equals(before.pairs().get(pairId))) {
                    context().forward(record.withKey(pairId).withValue(pair));
                }
            });
            store.put(record.key(), new PromptGroup(newest, pairs, record.timestamp()));
        }

        /** Forgets prompts that nobody has judged for as long as pairs are kept; their pairs end with the topic's retention. */
        private void expire(long now) {
            try (KeyValueIterator<String, PromptGroup> all = store.all()) {
                while (all.hasNext()) {
                    KeyValue<String, PromptGroup> entry = all.next();
                    if (now - entry.value.touched() > KEPT.toMillis()) {
                        store.delete(entry.key);
                    }
                }
            }
        }

        /** As many as may stay: those that were judged first, then the newest. */
        private Map<String, RatedInteraction> newest(Map<String, RatedInteraction> rated) {
            List<RatedInteraction> sorted = rated.values().stream()
                    .sorted(Comparator.comparing((RatedInteraction each) -> each.revision() == 0)
                            .thenComparingLong(each -> -each.interaction().time()))
                    .limit(INTERACTIONS_MAX)
                    .toList();
            Map<String, RatedInteraction> newest = new TreeMap<>();
            int bytes = 0;
            for (RatedInteraction each : sorted) {
                bytes += serde.serializer().serialize(STORE, each).length;
                if (newest.isEmpty() || bytes <= BYTES_MAX) {
                    newest.put(each.interaction().interactionId(), each);
                }
            }
            return newest;
        }
    }
}
