package dev.bellwether.stream.rollout;

import dev.bellwether.event.Event;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.RolloutCommand;
import dev.bellwether.event.RolloutSettings;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutState.Anchor;
import dev.bellwether.event.RolloutTransition;
import dev.bellwether.stream.FirstRecord;
import dev.bellwether.stream.rollout.RolloutMachine.Outcome;
import dev.bellwether.topic.Topics;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The step that runs every bot's rollout machine on commands, scorecards and time. */
public final class DecideRollouts {
    private static final Logger LOG = LoggerFactory.getLogger(DecideRollouts.class);
    private static final String STATES = "rollout-states";
    private static final String SCORECARDS = "rollout-scorecards";
    private static final Duration TICK = Duration.ofSeconds(1);

    private DecideRollouts() {}

    /** A bot's first champion and the settings of rollouts that begin now. */
    public record BotRollout(String champion, RolloutSettings settings) {}

    /** New states and transitions, by bot. */
    public static KStream<String, Event> decide(
            KStream<String, RolloutCommand> commands,
            KStream<String, PolicyScorecard> scorecards,
            Supplier<Map<String, BotRollout>> bots) {
        KStream<String, Event> byBot = scorecards
                .selectKey((key, card) -> card.bot())
                .repartition(Repartitioned.with(Serdes.String(), Topics.POLICY_SCORECARDS.valueSerde())
                        .withName("scorecards-by-bot"))
                .mapValues(card -> card);
        return commands.<Event>mapValues(command -> command).merge(byBot).process(new Step(bots));
    }

    private record Step(Supplier<Map<String, BotRollout>> bots)
            implements ProcessorSupplier<String, Event, String, Event> {
        @Override
        public Processor<String, Event, String, Event> get() {
            return new Decide(bots);
        }

        @Override
        public Set<StoreBuilder<?>> stores() {
            return Set.of(
                    Stores.keyValueStoreBuilder(
                            Stores.persistentKeyValueStore(STATES), Serdes.String(), Topics.ROLLOUT_STATE.valueSerde()),
                    Stores.keyValueStoreBuilder(
                            Stores.persistentKeyValueStore(SCORECARDS),
                            Serdes.String(),
                            Topics.POLICY_SCORECARDS.valueSerde()));
        }
    }

    private static final class Decide extends ContextualProcessor<String, Event, String, Event> {
        private final Supplier<Map<String, BotRollout>> bots;

        @SuppressWarnings("NullAway.Init")
        private KeyValueStore<String, RolloutState> states;

        /** Of each bot the scorecard of the running experiment, and that of the hold-out. */
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
            FirstRecord.in(context, STATES, SCORECARDS);
            context.schedule(TICK, PunctuationType.WALL_CLOCK_TIME, this::tickAll);
        }

        @Override
        public void process(Record<String, Event> record) {
            if (record.value() instanceof PolicyScorecard card) {
                scorecard(card, record.timestamp());
            } else if (record.value() instanceof RolloutCommand command) {
                command(record.key(), command);
            }
        }

        private void scorecard(PolicyScorecard card, long eventTime) {
            RolloutState state = states.get(card.bot());
            if (state == null) {
                return;
            }
            Anchor anchor = state.anchor();
            if (anchor != null && anchor.experiment().equals(card.experiment())) {
                RolloutState shown =
                        state.change().longRun(Evidences.shown(card, true)).build();
                settle(state, Outcome.unchanged(shown), context().currentSystemTimeMs());
            } else if (card.experiment().equals(state.experiment())) {
                scorecards.put(card.bot(), card);
                RolloutState seen = RolloutMachine.seen(state, eventTime);
                if (!seen.equals(state)) {
                    states.put(seen.bot(), seen);
                }
            }
        }

        private void command(String name, RolloutCommand command) {
            BotRollout bot = bots.get().get(name);
            RolloutState state = states.get(name);
            if (bot == null && state == null) {
                throw new IllegalArgumentException("bot %s is not in bots.yaml".formatted(name));
            }
            RolloutState before = state != null || bot == null ? state : RolloutState.idle(name, bot.champion());
            long now = context().currentSystemTimeMs();
            settle(before, RolloutCommands.apply(before, command, card(before), settings(name), now), now);
        }

        private RolloutSettings settings(String name) {
            BotRollout bot = bots.get().get(name);
            return bot == null ? RolloutSettings.defaults() : bot.settings();
        }

        private @Nullable PolicyScorecard card(RolloutState state) {
            PolicyScorecard card = state.experiment() == null ? null : scorecards.get(state.bot());
            return card != null && card.experiment().equals(state.experiment()) ? card : null;
        }

        private void tickAll(long now) {
            for (String bot : bots.get().keySet()) {
                try {
                    RolloutState state = states.get(bot);
                    if (state != null) {
                        settle(state, RolloutMachine.tick(state, card(state), settings(bot), now), now);
                    }
                } catch (IllegalArgumentException | IllegalStateException | SerializationException e) {
                    LOG.error("the rollout of {} cannot go on; the others do", bot, e);
                }
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
