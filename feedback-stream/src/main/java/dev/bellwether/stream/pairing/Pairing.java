package dev.bellwether.stream.pairing;

import dev.bellwether.event.Event;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.stream.JsonSerde;
import dev.bellwether.topic.Topics;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
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
import org.jspecify.annotations.Nullable;

/** The step that keeps, for every prompt, the pairs that its rated interactions give now. */
public final class Pairing {
    private static final String STORE = "prompt-groups";

    /** So many are remembered of one prompt, and of one person's tries of it, within what Kafka takes as one record. */
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
     * Interactions of one prompt by id, rated or in the place of one that was regenerated, and their pairs by pair id.
     *
     * @param touched when the last of them came, in milliseconds
     */
    record PromptGroup(Map<String, RatedInteraction> rated, Map<String, Emitted> pairs, long touched) {
        private static final PromptGroup NOTHING = new PromptGroup(Map.of(), Map.of(), 0);
    }

    /**
     * One person's tries of one question in one conversation by id, without judgements.
     *
     * @param touched when the last of them came, in milliseconds
     */
    record Tries(Map<String, RatedInteraction> replies, long touched) {
        private static final Tries NONE = new Tries(Map.of(), 0);
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
        builder.addStateStore(Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(UNJUDGED_STORE), Serdes.String(), new JsonSerde<>(Tries.class)));
        KStream<String, RatedInteraction> unjudged =
                interactions.filter((id, each) -> mayReplaceAnother(each)).mapValues(Pairing::unjudged);
        return rated.merge(unjudged)
                .selectKey((id, each) -> PromptKey.of(
                        each.interaction().bot(), each.interaction().prompt()))
                .repartition(Repartitioned.with(Serdes.String(), ratedSerde)
                        .withName("rated-by-prompt")
                        .withNumberOfPartitions(partitions))
                .process(() -> new Recompute(ratedSerde, waits), STORE, UNJUDGED_STORE);
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
        private final Duration waits;

        @SuppressWarnings("NullAway.Init")
        private KeyValueStore<String, PromptGroup> store;

        @SuppressWarnings("NullAway.Init")
        private KeyValueStore<String, Tries> unjudged;

        private Recompute(Serde<RatedInteraction> serde, Duration waits) {
            this.serde = serde;
            this.waits = waits;
        }

        @Override
        public void init(ProcessorContext<String, @Nullable PreferencePair> context) {
            super.init(context);
            store = context.getStateStore(STORE);
            unjudged = context.getStateStore(UNJUDGED_STORE);
            context.schedule(SWEEP, PunctuationType.STREAM_TIME, this::expire);
        }

        @Override
        public void process(Record<String, RatedInteraction> record) {
            RatedInteraction arrived = record.value();
            if (arrived.revision() == 0) {
                remember(conversation(record.key(), arrived), record);
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
            replacements(record.key(), arrived, rated.values())
                    .forEach(reply -> rated.putIfAbsent(reply.interaction().interactionId(), reply));
            if (!rated.equals(before.rated())) {
                update(record, before, rated);
            }
        }

        /** Replies without a judgement that came in the place of one that was regenerated, as far as that is news. */
        private List<RatedInteraction> replacements(
                String promptKey, RatedInteraction arrived, Collection<RatedInteraction> rated) {
            if (PairRules.regeneratedAway(arrived)) {
                return tries(conversation(promptKey, arrived)).replies().values().stream()
                        .filter(reply -> PairRules.follows(reply, arrived))
                        .toList();
            }
            boolean replaces = arrived.revision() == 0
                    && rated.stream()
                            .anyMatch(away -> PairRules.regeneratedAway(away) && PairRules.follows(arrived, away));
            return replaces ? List.of(arrived) : List.of();
        }

        private void remember(String conversation, Record<String, RatedInteraction> record) {
            Map<String, RatedInteraction> replies =
                    new TreeMap<>(tries(conversation).replies());
            replies.put(record.value().interaction().interactionId(), record.value());
            unjudged.put(conversation, new Tries(newest(replies), record.timestamp()));
        }

        private Tries tries(String conversation) {
            Tries known = unjudged.get(conversation);
            return known == null ? Tries.NONE : known;
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

        /** Forgets prompts that nobody judged for as long as pairs are kept, and tries that no signal can come for. */
        private void expire(long now) {
            expire(store, group -> now - group.touched() > KEPT.toMillis());
            expire(unjudged, tries -> now - tries.touched() > waits.toMillis());
        }

        private static <V> void expire(KeyValueStore<String, V> store, Predicate<V> old) {
            try (KeyValueIterator<String, V> all = store.all()) {
                while (all.hasNext()) {
                    KeyValue<String, V> entry = all.next();
                    if (old.test(entry.value)) {
                        store.delete(entry.key);
                    }
                }
            }
        }

        /** As many as may stay: those that were judged first, then the newest. */
        private Map<String, RatedInteraction> newest(Map<String, RatedInteraction> all) {
            List<RatedInteraction> sorted = all.values().stream()
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
