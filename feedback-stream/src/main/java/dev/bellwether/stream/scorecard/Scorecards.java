package dev.bellwether.stream.scorecard;

import dev.bellwether.event.Interaction;
import dev.bellwether.event.InteractionId;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.RolloutState.Anchor;
import dev.bellwether.stream.FirstRecord;
import dev.bellwether.stream.JsonSerde;
import dev.bellwether.stream.erasure.Forgotten;
import dev.bellwether.stream.erasure.Forgotten.Place;
import dev.bellwether.topic.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Repartitioned;
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
import org.jspecify.annotations.Nullable;

/**
 * The steps that keep score of experiments: each user counts once as exposed, and once for each kind of event, by what
 * came first.
 *
 * <p>Counting every message instead would multiply false alarms, since one user's votes are not independent.
 */
public final class Scorecards {
    /** Between the parts of a user's key. */
    private static final String SEPARATOR = "|";

    private static final String SEEN = "seen";
    private static final String CARDS = "scorecards";
    private static final String CHANGED = "changed-scorecards";

    /** Before the names of the stores of hold-outs, which go on while rollouts come and go. */
    private static final String HOLDOUT = "holdout-";

    /** As long as the longest rollout. */
    private static final Duration KEPT = Duration.ofDays(90);

    /** As long as a hold-out may stay on one version, so that what is known of it does not go when others begin. */
    private static final Duration HOLDOUT_KEPT = Duration.ofDays(730);

    private static final Duration LEAVE_EVERY = Duration.ofSeconds(1);

    private Scorecards() {}

    /**
     * Changed scorecards by {@code bot/experiment}, at most one of each a second.
     *
     * @param forgotten whose users are no longer remembered; what they added to the numbers stays
     * @param slowAfter time after which a bot's reply counts as slow
     */
    public static KStream<String, PolicyScorecard> keep(
            KStream<String, Interaction> interactions,
            KStream<String, RatedInteraction> rated,
            KStream<String, Forgotten> forgotten,
            Function<String, Duration> slowAfter) {
        KStream<String, Observation> served = interactions.flatMapValues(
                interaction -> Observation.of(interaction, slowAfter.apply(interaction.bot())));
        KStream<String, Observation> votes = rated.flatMapValues(each -> Observation.of(each));
        KStream<String, @Nullable Observation> erased =
                forgotten.flatMap((id, each) -> seenIn(each)).mapValues(_ -> null);
        return served.merge(votes)
                .selectKey((id, seen) -> key(seen.bot(), seen.experiment(), seen.user()))
                .merge(erased)
                .repartition(Repartitioned.with(Serdes.String(), JsonSerde.of(Observation.class))
                        .withName("observations-by-user"))
                .process(new FirstsOnly())
                .repartition(Repartitioned.with(Serdes.String(), JsonSerde.of(Increment.class))
                        .withName("increments"))
                .process(new Count());
    }

    private static String key(String bot, String experiment, String user) {
        return String.join(SEPARATOR, bot, experiment, user);
    }

    private static List<KeyValue<String, Forgotten>> seenIn(Forgotten each) {
        Place place = each.place();
        return place == null
                ? List.of()
                : Stream.of(place.experiment(), place.holdout())
                        .flatMap(Stream::ofNullable)
                        .filter(experiment ->
                                ExperimentName.possible(experiment, InteractionId.time(each.interactionId())))
                        .map(experiment -> KeyValue.pair(key(place.bot(), experiment, each.userHash()), each))
                        .toList();
    }

    /** What is known; of a hold-out that began when it had no store of its own, what was known there. */
    private static <V> @Nullable V ofBefore(
            WindowStore<String, V> own, WindowStore<String, V> before, String key, long time) {
        V known = own.fetch(key, time);
        return known == null ? before.fetch(key, time) : known;
    }

    private record FirstsOnly() implements ProcessorSupplier<String, @Nullable Observation, String, Increment> {
        @Override
        public Processor<String, @Nullable Observation, String, Increment> get() {
            return new FirstOnly();
        }

        @Override
        public Set<StoreBuilder<?>> stores() {
            return Set.of(seen(SEEN, KEPT), seen(HOLDOUT + SEEN, HOLDOUT_KEPT));
        }

        private static StoreBuilder<?> seen(String name, Duration kept) {
            return Stores.windowStoreBuilder(
                    Stores.persistentWindowStore(name, kept, Duration.ofMillis(1), false),
                    Serdes.String(),
                    JsonSerde.of(Seen.class));
        }
    }

    private static final class FirstOnly extends ContextualProcessor<String, @Nullable Observation, String, Increment> {
        @SuppressWarnings("NullAway.Init")
        private WindowStore<String, Seen> ofRollouts;

        @SuppressWarnings("NullAway.Init")
        private WindowStore<String, Seen> ofHoldouts;

        private final Map<String, Record<String, Increment>> quiet = new HashMap<>();

        @Override
        public void init(ProcessorContext<String, Increment> context) {
            super.init(context);
            ofRollouts = context.getStateStore(SEEN);
            ofHoldouts = context.getStateStore(HOLDOUT + SEEN);
            FirstRecord.in(context, SEEN, HOLDOUT + SEEN);
            context.schedule(LEAVE_EVERY, PunctuationType.WALL_CLOCK_TIME, _ -> tell());
        }

        @Override
        public void process(Record<String, @Nullable Observation> record) {
            Observation now = record.value();
            if (now == null) {
                String experiment = record.key().split(Pattern.quote(SEPARATOR), -1)[1];
                of(experiment).put(record.key(), null, ExperimentName.began(experiment));
                if (Anchor.names(experiment)) {
                    ofRollouts.put(record.key(), null, ExperimentName.began(experiment));
                }
                return;
            }
            WindowStore<String, Seen> store = of(now.experiment());
            long began = ExperimentName.began(now.experiment());
            Seen known = ofBefore(store, ofRollouts, record.key(), began);
            Seen before = known == null ? Seen.NOTHING : known;
            Seen after = before.with(now);
            if (known == null || !after.equals(before)) {
                store.put(record.key(), after, began);
            }
            Record<String, Increment> increment = new Record<>(
                    now.bot() + "/" + now.experiment(), Increment.of(now, before, known == null), record.timestamp());
            if (increment.value().counts()) {
                context().forward(increment);
            } else {
                quiet.put(increment.key(), increment);
            }
        }

        private WindowStore<String, Seen> of(String experiment) {
            return Anchor.names(experiment) ? ofHoldouts : ofRollouts;
        }

        /** That users come tells the rollout that time passes, also where nothing is counted any more. */
        private void tell() {
            quiet.values().forEach(context()::forward);
            quiet.clear();
        }
    }

    private record Count() implements ProcessorSupplier<String, Increment, String, PolicyScorecard> {
        @Override
        public Processor<String, Increment, String, PolicyScorecard> get() {
            return new Counting();
        }

        @Override
        public Set<StoreBuilder<?>> stores() {
            return Set.of(
                    cards(CARDS, KEPT),
                    cards(HOLDOUT + CARDS, HOLDOUT_KEPT),
                    Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(CHANGED), Serdes.String(), Serdes.Long())
                            .withCachingEnabled());
        }

        private static StoreBuilder<?> cards(String name, Duration kept) {
            return Stores.windowStoreBuilder(
                            Stores.persistentWindowStore(name, kept, Duration.ofMillis(1), false),
                            Serdes.String(),
                            Topics.POLICY_SCORECARDS.valueSerde())
                    .withCachingEnabled();
        }
    }

    private static final class Counting extends ContextualProcessor<String, Increment, String, PolicyScorecard> {
        @SuppressWarnings("NullAway.Init")
        private WindowStore<String, PolicyScorecard> ofRollouts;

        @SuppressWarnings("NullAway.Init")
        private WindowStore<String, PolicyScorecard> ofHoldouts;

        /** Keys of scorecards that have not left yet, with when they were last changed. */
        @SuppressWarnings("NullAway.Init")
        private KeyValueStore<String, Long> changed;

        @Override
        public void init(ProcessorContext<String, PolicyScorecard> context) {
            super.init(context);
            ofRollouts = context.getStateStore(CARDS);
            ofHoldouts = context.getStateStore(HOLDOUT + CARDS);
            changed = context.getStateStore(CHANGED);
            FirstRecord.in(context, CARDS, HOLDOUT + CARDS, CHANGED);
            context.schedule(LEAVE_EVERY, PunctuationType.WALL_CLOCK_TIME, _ -> leave());
        }

        @Override
        public void process(Record<String, Increment> record) {
            Observation now = record.value().observation();
            long began = ExperimentName.began(now.experiment());
            WindowStore<String, PolicyScorecard> cards = of(now.experiment());
            PolicyScorecard known = ofBefore(cards, ofRollouts, record.key(), began);
            PolicyScorecard before = known == null ? PolicyScorecard.empty(now.bot(), now.experiment()) : known;
            cards.put(record.key(), record.value().addTo(before), began);
            changed.put(record.key(), record.timestamp());
        }

        private WindowStore<String, PolicyScorecard> of(String experiment) {
            return Anchor.names(experiment) ? ofHoldouts : ofRollouts;
        }

        private void leave() {
            List<KeyValue<String, Long>> due = new ArrayList<>();
            try (KeyValueIterator<String, Long> all = changed.all()) {
                all.forEachRemaining(due::add);
            }
            for (KeyValue<String, Long> each : due) {
                changed.delete(each.key);
                String experiment = each.key.substring(each.key.indexOf('/') + 1);
                PolicyScorecard card = of(experiment).fetch(each.key, ExperimentName.began(experiment));
                if (card != null) {
                    context().forward(new Record<>(each.key, card, each.value));
                }
            }
        }
    }
}
