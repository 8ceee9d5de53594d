package dev.bellwether.stream;

import dev.bellwether.event.DeadLetter;
import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.RolloutCommand;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutTransition;
import dev.bellwether.stream.attribution.Attribution;
import dev.bellwether.stream.pairing.Pairing;
import dev.bellwether.stream.rollout.DecideRollouts;
import dev.bellwether.stream.rollout.DecideRollouts.BotRollout;
import dev.bellwether.stream.scorecard.Scorecards;
import dev.bellwether.topic.Topic;
import dev.bellwether.topic.Topics;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.processor.api.RecordMetadata;

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
        KStream<String, Interaction> interactions = read(builder, Topics.INTERACTIONS, Interaction.class);
        KStream<String, Feedback> feedback = read(builder, Topics.FEEDBACK, Feedback.class);
        KStream<String, RolloutCommand> commands = read(builder, Topics.ROLLOUT_COMMANDS, RolloutCommand.class);

        KStream<String, Event> attributed = Attribution.join(builder, interactions, feedback, tokenValid);
        write(only(attributed, DeadLetter.class), Topics.DEAD_LETTERS);
        KStream<String, RatedInteraction> rated = only(attributed, RatedInteraction.class);
        write(rated, Topics.RATED_INTERACTIONS);
        write(
                Pairing.pairs(
                        builder,
                        interactions,
                        rated,
                        Topics.RATED_INTERACTIONS.valueSerde(),
                        Topics.PREFERENCE_PAIRS.partitions(),
                        tokenValid),
                Topics.PREFERENCE_PAIRS);

        KStream<String, PolicyScorecard> scorecards = Scorecards.keep(
                builder,
                interactions,
                rated,
                Topics.POLICY_SCORECARDS.valueSerde(),
                Topics.POLICY_SCORECARDS.partitions());
        write(scorecards, Topics.POLICY_SCORECARDS);
        KStream<String, Event> decisions = DecideRollouts.decide(
                builder,
                commands,
                scorecards,
                Topics.POLICY_SCORECARDS.valueSerde(),
                Topics.ROLLOUT_COMMANDS.partitions(),
                bots);
        write(only(decisions, RolloutState.class), Topics.ROLLOUT_STATE);
        write(only(decisions, RolloutTransition.class), Topics.ROLLOUT_HISTORY);
        return builder.build();
    }

    private static <E extends Event> void write(KStream<String, E> stream, Topic<E> topic) {
        stream.to(topic.name(), Produced.with(topic.keySerde(), topic.valueSerde()));
    }

    private static <E extends Event> KStream<String, E> only(KStream<String, Event> events, Class<E> type) {
        return events.filter((key, event) -> type.isInstance(event)).mapValues(type::cast);
    }

    /** A topic's records; those that cannot be read go to the dead letters. */
    private static <E extends Event> KStream<String, E> read(StreamsBuilder builder, Topic<E> topic, Class<E> type) {
        KStream<String, Event> parsed = builder.stream(topic.name(), Consumed.with(Serdes.String(), Serdes.ByteArray()))
                .filter((key, bytes) -> bytes != null)
                .processValues(() -> new Parse<>(topic));
        write(only(parsed, DeadLetter.class), Topics.DEAD_LETTERS);
        return only(parsed, type).filter((key, event) -> key != null);
    }

    private static final class Parse<E extends Event> extends ContextualFixedKeyProcessor<String, byte[], Event> {
        private final Topic<E> topic;

        private Parse(Topic<E> topic) {
            this.topic = topic;
        }

        @Override
        public void process(FixedKeyRecord<String, byte[]> record) {
            context().forward(record.withValue(parse(record.value())));
        }

        private Event parse(byte[] bytes) {
            try {
                return topic.valueSerde().deserializer().deserialize(topic.name(), bytes);
            } catch (SerializationException e) {
                RecordMetadata at = context().recordMetadata().orElse(null);
                return new DeadLetter(
                        Event.SCHEMA,
                        topic.name(),
                        at == null ? -1 : at.partition(),
                        at == null ? -1 : at.offset(),
                        Base64.getEncoder().encodeToString(bytes),
                        String.valueOf(e.getMessage()));
            }
        }
    }
}
