package dev.bellwether.stream.rollout;

import dev.bellwether.event.Event;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.RolloutCommand;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutTransition;
import dev.bellwether.stream.JsonSerde;
import dev.bellwether.stream.rollout.RolloutMachine.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The step that runs every bot's rollout machine on commands, scorecards and time. */
public final class DecideRollouts {
    private static final Logger LOG = LoggerFactory.getLogger(DecideRollouts.class);
    private static final String STATES = "rollout-states";
    private static final String SCORECARDS = "rollout-scorecards";
    private static final Duration TICK = Duration.ofSeconds(1);

    private DecideRollouts() {}

    /** A bot's first champion and its rollout's settings. */
    public record BotRollout(String champion, RolloutConfig config) {}

    /** New states and transitions, by bot. */
    public static KStream<String, Event> decide(
            StreamsBuilder builder,
            KStream<String, RolloutCommand> commands,
            KStream<String, PolicyScorecard> scorecards,
            Serde<PolicyScorecard> scorecardSerde,
            Supplier<Map<String, BotRollout>> bots) {
        builder.addStateStore(Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(STATES), Serdes.String(), new JsonSerde<>(RolloutState.class)));
        builder.addStateStore(Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(SCORECARDS), Serdes.String(), new JsonSerde<>(PolicyScorecard.class)));
        KStream<String, Event> byBot = scorecards
                .selectKey((key, card) -> card.bot())
                .repartition(Repartitioned.with(Serdes.String(), scorecardSerde).withName("scorecards-by-bot"))
                .mapValues(card -> card);
        return commands.<Event>mapValues(command -> command)
                .merge(byBot)
                .process(() -> new Decide(bots), STATES, SCORECARDS);
    }

    private static final class Decide extends ContextualProcessor<String, Event, String, Event> {
        private final Supplier<Map<String, BotRollout>> bots;
        private final Map<String, RolloutConfig> underWay = new HashMap<>();

        @SuppressWarnings("NullAway.Init")
        private KeyValueStore<String, RolloutState> states;

        @SuppressWarnings("NullAway.Init")
        private KeyValueStore<String, PolicyScorecard> scorecards;

        private Decide(Supplier<Map<String, BotRollout>> bots) {
            this.bots = bots;
        }

        @Override
        public void init(ProcessorContext<String, Event> context) {
            super.init(context);
            states = context.getStateStore(STATES);
            scorecards = context.getStateStore(SCORECARDS);
            context.schedule(TICK, PunctuationType.WALL_CLOCK_TIME, this::tickAll);
        }

        @Override
        public void process(Record<String, Event> record) {
            if (record.value() instanceof PolicyScorecard card) {
                scorecards.put(card.bot(), card);
            } else if (record.value() instanceof RolloutCommand command) {
                command(record.key(), command);
            }
        }

        private void command(String name, RolloutCommand command) {
            BotRollout bot = bots.get().get(name);
            RolloutState known = states.get(name);
            if (bot == null && known == null) {
                LOG.warn("bot {} is not in bots.yaml; {} of it is passed over", name, command.action());
                return;
            }
            RolloutState state = bot == null || known != null ? known : RolloutState.idle(name, bot.champion());
            long now = context().currentSystemTimeMs();
            settle(state, new RolloutMachine(settings(state)).command(state, command, now), now);
        }

        /** A rollout under way keeps the settings that it was first seen with: evidence is not moved between them. */
        private RolloutConfig settings(RolloutState state) {
            BotRollout bot = bots.get().get(state.bot());
            RolloutConfig now = bot == null ? RolloutConfig.defaults() : bot.config();
            if (state.candidate() == null) {
                underWay.remove(state.bot());
                return now;
            }
            return underWay.computeIfAbsent(state.bot(), unknown -> now);
        }

        private void tickAll(long now) {
            List<RolloutState> all = new ArrayList<>();
            try (KeyValueIterator<String, RolloutState> iterator = states.all()) {
                iterator.forEachRemaining(entry -> all.add(entry.value));
            }
            for (RolloutState state : all) {
                PolicyScorecard card = scorecards.get(state.bot());
                boolean current = card != null && card.experiment().equals(state.experiment());
                settle(state, new RolloutMachine(settings(state)).tick(state, current ? card : null, now), now);
            }
        }

        private void settle(RolloutState before, Outcome outcome, long now) {
            RolloutState after = outcome.state();
            if (after.equals(before)) {
                return;
            }
            states.put(after.bot(), after);
            context().forward(new Record<>(after.bot(), after, now));
            outcome.transition().ifPresent(transition -> forward(transition, now));
        }

        private void forward(RolloutTransition transition, long now) {
            LOG.info(
                    "{}: {} -> {} ({}), version {}, share {}",
                    transition.bot(),
                    transition.from(),
                    transition.to(),
                    transition.why(),
                    transition.version(),
                    transition.candidateShare());
            context().forward(new Record<>(transition.bot(), transition, now));
        }
    }
}
