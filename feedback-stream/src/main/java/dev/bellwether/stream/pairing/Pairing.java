package dev.bellwether.stream.pairing;

import dev.bellwether.event.Event;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.stream.FirstRecord;
import dev.bellwether.stream.GroupedStore;
import dev.bellwether.stream.JsonSerde;
import dev.bellwether.stream.erasure.Forgotten;
import dev.bellwether.stream.pairing.ThumbPairs.PairIds;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;
import org.jspecify.annotations.Nullable;

/** The step that keeps, for every prompt, the pairs that its rated interactions give now. */
public final class Pairing {
    private static final String JUDGED = "judged-by-prompt";
    private static final String TRIES = "tries";
    private static final String REGENERATED = "regenerated";
    private static final String THUMB_PAIRS = "thumb-pairs";

    /** As long as the pairs themselves are kept. */
    private static final Duration KEPT = Duration.ofDays(180);

    private Pairing() {}

    /**
     * New and changed pairs by id; none (a tombstone) for a pair that no longer holds.
     *
     * @param interactions all of them: a reply can be preferred by being kept, without a judgement of its own
     * @param forgotten whose pairs are taken back
     */
    public static KStream<String, @Nullable PreferencePair> pairs(
            KStream<String, Interaction> interactions,
            KStream<String, RatedInteraction> rated,
            KStream<String, Forgotten> forgotten) {
        KStream<String, RatedInteraction> unjudged = interactions
                .filter((id, each) -> PairRules.mayReplaceAnother(each))
                .mapValues(Pairing::unjudged);
        KStream<String, Change> changes = rated.merge(unjudged)
                .map((id, each) -> KeyValue.pair(
                        PromptKey.of(
                                each.interaction().bot(), each.interaction().prompt()),
                        new Change(each, null)));
        KStream<String, Change> erased = forgotten.flatMap((id, each) -> each.place() == null
                ? List.of()
                : List.of(KeyValue.pair(each.place().prompt(), new Change(null, each))));
        return changes.merge(erased)
                .repartition(Repartitioned.with(Serdes.String(), JsonSerde.of(Change.class))
                        .withName("changes-by-prompt"))
                .process(new Step());
    }

    private static RatedInteraction unjudged(Interaction each) {
        return new RatedInteraction(Event.SCHEMA, 0, each, List.of());
    }

    private record Step() implements ProcessorSupplier<String, Change, String, @Nullable PreferencePair> {
        @Override
        public Processor<String, Change, String, @Nullable PreferencePair> get() {
            return new Recompute();
        }

        @Override
        public Set<StoreBuilder<?>> stores() {
            return Set.of(
                    GroupedStore.builder(JUDGED, KEPT, Judged.class),
                    GroupedStore.builder(TRIES, PairRules.REPLACES_WITHIN, RatedInteraction.class),
                    GroupedStore.builder(REGENERATED, PairRules.REPLACES_WITHIN, String.class),
                    Stores.windowStoreBuilder(
                            Stores.persistentWindowStore(THUMB_PAIRS, KEPT, Duration.ofMillis(1), false),
                            Serdes.String(),
                            JsonSerde.of(PairIds.class)));
        }
    }

    private static final class Recompute extends ContextualProcessor<String, Change, String, @Nullable PreferencePair> {
        @SuppressWarnings("NullAway.Init")
        private GroupedStore<Judged> judged;

        @SuppressWarnings("NullAway.Init")
        private ThumbPairs thumbs;

        @SuppressWarnings("NullAway.Init")
        private Tries tries;

        @Override
        public void init(ProcessorContext<String, @Nullable PreferencePair> context) {
            super.init(context);
            WindowStore<String, PairIds> thumbStore = context.getStateStore(THUMB_PAIRS);
            judged = new GroupedStore<>(context, JUDGED);
            thumbs = new ThumbPairs(thumbStore);
            FirstRecord.in(context, THUMB_PAIRS);
            tries = new Tries(new GroupedStore<>(context, TRIES), new GroupedStore<>(context, REGENERATED));
        }

        @Override
        public void process(Record<String, Change> record) {
            if (record.value().rated() != null) {
                take(record, record.value().rated());
            } else if (record.value().forgotten() != null) {
                forget(record, record.value().forgotten());
            }
        }

        private void take(Record<String, Change> record, RatedInteraction arrived) {
            boolean unjudged = arrived.revision() == 0;
            boolean mayBeKept = unjudged && tries.mayBeKept(record.key(), arrived);
            boolean news = tries.remember(record.key(), arrived);
            if (unjudged && !(news && mayBeKept)) {
                return;
            }
            PromptView view = new PromptView(record.key(), judged, thumbs, tries, arrived);
            if (view.old()) {
                return;
            }
            tell(record, view);
        }

        /** Its pairs go as if everything said of it were withdrawn; then it goes itself. */
        private void forget(Record<String, Change> record, Forgotten gone) {
            tries.forget(gone);
            judged.of(record.key(), gone.interactionId()).ifPresent(known -> {
                RatedInteraction unsaid = new RatedInteraction(
                        Event.SCHEMA, Long.MAX_VALUE, known.rated().interaction(), List.of());
                tell(record, new PromptView(record.key(), judged, thumbs, tries, unsaid));
                judged.remove(record.key(), gone.interactionId());
            });
        }

        private void tell(Record<String, Change> record, PromptView view) {
            PromptView.Changed changed = view.change();
            changed.withdrawn()
                    .forEach(id -> context().forward(record.withKey(id).withValue(null)));
            changed.pairs()
                    .forEach(pair ->
                            context().forward(record.withKey(pair.pairId()).withValue(pair)));
        }
    }
}
