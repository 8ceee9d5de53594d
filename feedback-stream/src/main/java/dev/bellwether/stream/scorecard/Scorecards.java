package dev.bellwether.stream.scorecard;

import dev.bellwether.event.Arm;
import dev.bellwether.event.AssignmentReason;
import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal.Flag;
import dev.bellwether.event.FeedbackSignal.Thumb;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.PolicyScorecard.Exposures;
import dev.bellwether.event.PolicyScorecard.Technical;
import dev.bellwether.event.PolicyScorecard.Votes;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.Source;
import dev.bellwether.stream.JsonSerde;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The step that keeps score of experiments: each user counts once as exposed and once as a voter, by what came first.
 *
 * <p>Counting every message instead would multiply false alarms, since one user's votes are not independent.
 */
public final class Scorecards {
    private static final String STORE = "seen";

    private Scorecards() {}

    /** One thing that happened to a user in an experiment. */
    record Observation(
            String bot, String experiment, String user, double share, Arm arm, What what, int empty, int overlong) {}

    enum What {
        SERVED,
        UP,
        DOWN,
        FLAG
    }

    /** What is known of a user in an experiment. */
    record Seen(boolean voted, boolean flagged) {}

    /** One change of a scorecard. */
    record Increment(Observation observation, boolean firstExposure) {}

    /** Scorecards by {@code bot/experiment}, after every change. */
    public static KStream<String, PolicyScorecard> keep(
            StreamsBuilder builder,
            KStream<String, Interaction> interactions,
            KStream<String, RatedInteraction> rated,
            Serde<PolicyScorecard> serde,
            int partitions) {
        builder.addStateStore(Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(STORE), Serdes.String(), new JsonSerde<>(Seen.class)));
        KStream<String, Observation> served = interactions.flatMapValues(Scorecards::served);
        KStream<String, Observation> votes = rated.flatMapValues(Scorecards::votes);
        return served.merge(votes)
                .selectKey((id, seen) -> String.join("|", seen.bot(), seen.experiment(), seen.user()))
                .repartition(Repartitioned.with(Serdes.String(), new JsonSerde<>(Observation.class))
                        .withName("observations-by-user")
                        .withNumberOfPartitions(partitions))
                .process(FirstOnly::new, STORE)
                .groupByKey(Grouped.with("increments", Serdes.String(), new JsonSerde<>(Increment.class)))
                .aggregate(
                        () -> new PolicyScorecard(Event.SCHEMA, "", "", 0, List.of(), List.of(), Map.of()),
                        (key, increment, card) -> add(card, increment),
                        Materialized.<String, PolicyScorecard, KeyValueStore<Bytes, byte[]>>as("scorecards")
                                .withKeySerde(Serdes.String())
                                .withValueSerde(serde))
                .toStream();
    }

    private static List<Observation> served(Interaction interaction) {
        String experiment = interaction.experiment();
        String user = interaction.userHash();
        if (experiment == null
                || user == null
                || interaction.reason() != AssignmentReason.SPLIT
                || !interaction.complete()) {
            return List.of();
        }
        int empty = (int) interaction.replies().stream()
                .filter(reply -> reply.text().isBlank() && reply.toolCalls() == null)
                .count();
        int overlong = (int) interaction.replies().stream()
                .filter(reply -> reply.finishReason().equals("length"))
                .count();
        return List.of(new Observation(
                interaction.bot(),
                experiment,
                user,
                interaction.candidateShare(),
                interaction.arm(),
                What.SERVED,
                empty,
                overlong));
    }

    private static List<Observation> votes(RatedInteraction rated) {
        Interaction interaction = rated.interaction();
        String experiment = interaction.experiment();
        String user = interaction.userHash();
        // What a fallback said is neither the merit nor the fault of the version that failed.
        if (experiment == null
                || user == null
                || interaction.reason() != AssignmentReason.SPLIT
                || interaction.fallback()) {
            return List.of();
        }
        List<Observation> votes = new ArrayList<>();
        for (Feedback judgement : rated.judgements()) {
            boolean counts = judgement.source() == Source.END_USER;
            if (counts && judgement.signal() instanceof Thumb thumb && !interaction.duel()) {
                votes.add(vote(interaction, experiment, user, thumb.up() ? What.UP : What.DOWN));
            } else if (counts && judgement.signal() instanceof Flag) {
                votes.add(vote(interaction, experiment, user, What.FLAG));
            }
        }
        return votes;
    }

    private static Observation vote(Interaction interaction, String experiment, String user, What what) {
        return new Observation(
                interaction.bot(), experiment, user, interaction.candidateShare(), interaction.arm(), what, 0, 0);
    }

    private static final class FirstOnly extends ContextualProcessor<String, Observation, String, Increment> {
        @SuppressWarnings("NullAway.Init")
        private KeyValueStore<String, Seen> store;

        @Override
        public void init(ProcessorContext<String, Increment> context) {
            super.init(context);
            store = context.getStateStore(STORE);
        }

        @Override
        public void process(Record<String, Observation> record) {
            Seen before = store.get(record.key());
            Observation now = record.value();
            boolean voted = before != null && before.voted();
            boolean flagged = before != null && before.flagged();
            boolean vote = now.what() == What.UP || now.what() == What.DOWN;
            if ((vote && voted) || (now.what() == What.FLAG && flagged)) {
                return;
            }
            store.put(record.key(), new Seen(voted || vote, flagged || now.what() == What.FLAG));
            Increment increment = new Increment(now, before == null);
            context().forward(new Record<>(now.bot() + "/" + now.experiment(), increment, record.timestamp()));
        }
    }

    private static PolicyScorecard add(PolicyScorecard card, Increment increment) {
        Observation now = increment.observation();
        List<Exposures> exposures = new ArrayList<>(card.exposures());
        List<Votes> votes = new ArrayList<>(card.votes());
        Map<Arm, Technical> technical = new EnumMap<>(Arm.class);
        technical.putAll(card.technical());
        if (increment.firstExposure()) {
            long users = exposures.stream()
                    .filter(each -> each.candidateShare() == now.share() && each.arm() == now.arm())
                    .mapToLong(Exposures::users)
                    .sum();
            exposures.removeIf(each -> each.candidateShare() == now.share() && each.arm() == now.arm());
            exposures.add(new Exposures(now.share(), now.arm(), users + 1));
        }
        Technical before = technical.getOrDefault(now.arm(), Technical.NONE);
        switch (now.what()) {
            case SERVED ->
                technical.put(
                        now.arm(),
                        new Technical(
                                before.served() + 1,
                                before.empty() + now.empty(),
                                before.overlong() + now.overlong(),
                                before.flagged()));
            case FLAG ->
                technical.put(
                        now.arm(),
                        new Technical(before.served(), before.empty(), before.overlong(), before.flagged() + 1));
            case UP, DOWN -> count(votes, now);
        }
        return new PolicyScorecard(
                Event.SCHEMA, now.bot(), now.experiment(), card.revision() + 1, exposures, votes, technical);
    }

    private static void count(List<Votes> votes, Observation now) {
        Votes before = votes.stream()
                .filter(each -> each.candidateShare() == now.share() && each.arm() == now.arm())
                .findFirst()
                .orElse(new Votes(now.share(), now.arm(), 0, 0));
        votes.remove(before);
        votes.add(new Votes(
                now.share(),
                now.arm(),
                before.up() + (now.what() == What.UP ? 1 : 0),
                before.down() + (now.what() == What.DOWN ? 1 : 0)));
    }
}
