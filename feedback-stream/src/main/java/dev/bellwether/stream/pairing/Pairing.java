package dev.bellwether.stream.pairing;

import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.stream.JsonSerde;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;
import org.jspecify.annotations.Nullable;

/** The step that keeps, for every prompt, the pairs that its rated interactions give now. */
public final class Pairing {
    private static final String STORE = "pairing";

    /** Rated interactions of one prompt that are remembered; the newest. */
    private static final int INTERACTIONS_MAX = 64;

    private Pairing() {}

    /** Rated interactions of one prompt by id, and the weights of the pairs made of them by pair id. */
    record PromptGroup(Map<String, RatedInteraction> rated, Map<String, Double> pairs) {}

    /** New and changed pairs by id; none (a tombstone) for a pair that no longer holds. */
    public static KStream<String, @Nullable PreferencePair> pairs(
            StreamsBuilder builder,
            KStream<String, RatedInteraction> rated,
            Serde<RatedInteraction> ratedSerde,
            int partitions) {
        builder.addStateStore(Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(STORE), Serdes.String(), new JsonSerde<>(PromptGroup.class)));
        return rated.selectKey((id, each) -> PromptKey.of(
                        each.interaction().bot(), each.interaction().prompt()))
                .repartition(Repartitioned.with(Serdes.String(), ratedSerde)
                        .withName("rated-by-prompt")
                        .withNumberOfPartitions(partitions))
                .process(Recompute::new, STORE);
    }

    private static final class Recompute
            extends ContextualProcessor<String, RatedInteraction, String, @Nullable PreferencePair> {
        @SuppressWarnings("NullAway.Init")
        private KeyValueStore<String, PromptGroup> store;

        @Override
        public void init(ProcessorContext<String, @Nullable PreferencePair> context) {
            super.init(context);
            store = context.getStateStore(STORE);
        }

        @Override
        public void process(Record<String, RatedInteraction> record) {
            PromptGroup stored = store.get(record.key());
            PromptGroup before = stored == null ? new PromptGroup(Map.of(), Map.of()) : stored;
            String id = record.value().interaction().interactionId();
            RatedInteraction known = before.rated().get(id);
            if (known != null && known.revision() >= record.value().revision()) {
                return;
            }
            Map<String, RatedInteraction> rated = new TreeMap<>(before.rated());
            rated.put(id, record.value());
            Map<String, RatedInteraction> newest = newest(rated);
            Map<String, PreferencePair> after = PairRules.apply(newest.values());
            for (String gone : before.pairs().keySet()) {
                if (!after.containsKey(gone)) {
                    context().forward(record.withKey(gone).withValue(null));
                }
            }
            Map<String, Double> weights = new TreeMap<>();
            after.forEach((pairId, pair) -> {
                weights.put(pairId, pair.weight());
                if (!Objects.equals(before.pairs().get(pairId), pair.weight())) {
                    context().forward(record.withKey(pairId).withValue(pair));
                }
            });
            store.put(record.key(), new PromptGroup(newest, weights));
        }

        private static Map<String, RatedInteraction> newest(Map<String, RatedInteraction> rated) {
            if (rated.size() <= INTERACTIONS_MAX) {
                return rated;
            }
            List<RatedInteraction> sorted = rated.values().stream()
                    .sorted(Comparator.comparingLong(each -> -each.interaction().time()))
                    .limit(INTERACTIONS_MAX)
                    .toList();
            Map<String, RatedInteraction> newest = new TreeMap<>();
            sorted.forEach(each -> newest.put(each.interaction().interactionId(), each));
            return newest;
        }
    }
}
