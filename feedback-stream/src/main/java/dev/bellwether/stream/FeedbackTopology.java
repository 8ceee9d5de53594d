package dev.bellwether.stream;

import dev.bellwether.event.DeadLetter;
import dev.bellwether.event.Erasure;
import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.RolloutCommand;
import dev.bellwether.event.RolloutSettings;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutTransition;
import dev.bellwether.stream.attribution.Attributed;
import dev.bellwether.stream.attribution.Attributed.Erased;
import dev.bellwether.stream.attribution.Attributed.Lost;
import dev.bellwether.stream.attribution.Attributed.Rated;
import dev.bellwether.stream.attribution.Attributed.Served;
import dev.bellwether.stream.attribution.Attribution;
import dev.bellwether.stream.erasure.Forgotten;
import dev.bellwether.stream.pairing.Pairing;
import dev.bellwether.stream.rollout.DecideRollouts;
import dev.bellwether.stream.rollout.DecideRollouts.BotRollout;
import dev.bellwether.stream.scorecard.Scorecards;
import dev.bellwether.topic.Topic;
import dev.bellwether.topic.Topics;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Produced;
import org.jspecify.annotations.Nullable;

/** The whole stream, from interactions, feedback and commands to pairs, scorecards and rollout states. */
public final class FeedbackTopology {
    private FeedbackTopology() {}

    /**
     * Builds the stream without a broker.
     *
     * @param tokenValid how long a feedback token is valid, and so how long records wait for one another
     * @param bots every bot's first champion and rollout settings, as they are now
     */
    public static Topology build(Duration tokenValid, Supplier<Map<String, BotRollout>> bots) {
        StreamsBuilder builder = new StreamsBuilder();
        KStream<String, Interaction> interactions = read(builder, Topics.INTERACTIONS, Interaction::interactionId);
        KStream<String, Feedback> feedback = read(builder, Topics.FEEDBACK, Feedback::interactionId);
        KStream<String, Erasure> erasures = read(builder, Topics.ERASURES, Erasure::userHash);
        KStream<String, RolloutCommand> commands = read(builder, Topics.ROLLOUT_COMMANDS, RolloutCommand::bot);

        KStream<String, Attributed> attributed = Attribution.join(interactions, feedback, erasures, tokenValid);
        write(attributed.flatMapValues(FeedbackTopology::lost), Topics.DEAD_LETTERS);
        KStream<String, Interaction> served = attributed.flatMapValues(FeedbackTopology::served);
        KStream<String, RatedInteraction> rated = attributed.flatMapValues(FeedbackTopology::rated);
        KStream<String, Forgotten> forgotten = attributed.flatMapValues(FeedbackTopology::forgotten);
        write(rated, Topics.RATED_INTERACTIONS);
        write(forgotten.<@Nullable RatedInteraction>mapValues(_ -> null), Topics.RATED_INTERACTIONS);
        write(Pairing.pairs(served, rated, forgotten), Topics.PREFERENCE_PAIRS);

        KStream<String, PolicyScorecard> scorecards = Scorecards.keep(
                served, rated, forgotten, bot -> slowAfter(bots.get().get(bot)));
        write(scorecards, Topics.POLICY_SCORECARDS);
        KStream<String, Event> decisions = DecideRollouts.decide(commands, scorecards, bots);
        write(only(decisions, RolloutState.class), Topics.ROLLOUT_STATE);
        write(only(decisions, RolloutTransition.class), Topics.ROLLOUT_HISTORY);
        return builder.build();
    }

    private static List<Interaction> served(Attributed each) {
        return each instanceof Served(Interaction interaction) ? List.of(interaction) : List.of();
    }

    private static List<RatedInteraction> rated(Attributed each) {
        return each instanceof Rated(RatedInteraction interaction) ? List.of(interaction) : List.of();
    }

    private static List<DeadLetter> lost(Attributed each) {
        return each instanceof Lost(DeadLetter letter) ? List.of(letter) : List.of();
    }

    private static List<Forgotten> forgotten(Attributed each) {
        return each instanceof Erased(Forgotten interaction) ? List.of(interaction) : List.of();
    }

    private static <E extends Event> void write(KStream<String, E> stream, Topic<E> topic) {
        stream.to(topic.name(), Produced.with(topic.keySerde(), topic.valueSerde()));
    }

    private static <E extends Event> KStream<String, E> only(KStream<String, Event> events, Class<E> type) {
        return events.filter((key, event) -> type.isInstance(event)).mapValues(type::cast);
    }

    private static Duration slowAfter(@Nullable BotRollout bot) {
        return (bot == null ? RolloutSettings.defaults() : bot.settings()).slowAfter();
    }

    /** A topic's records that are keyed as they must be; what cannot be read or used goes to the dead letters. */
    private static <E extends Event> KStream<String, E> read(
            StreamsBuilder builder, Topic<E> topic, Function<E, String> key) {
        return builder.stream(topic.name(), Consumed.with(topic.keySerde(), topic.valueSerde()))
                .peek((keyed, event) -> {
                    if (event == null || !key.apply(event).equals(keyed)) {
                        throw new IllegalArgumentException("a record of %s keyed %s".formatted(topic.name(), keyed));
                    }
                });
    }
}
