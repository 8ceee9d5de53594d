package dev.bellwether.trainer.refresh;

import dev.bellwether.event.Erasure;
import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal;
import dev.bellwether.event.FeedbackSignal.Edit;
import dev.bellwether.event.FeedbackSignal.Flag;
import dev.bellwether.event.FeedbackSignal.Outcome;
import dev.bellwether.event.FeedbackSignal.Preference;
import dev.bellwether.event.FeedbackSignal.Ranking;
import dev.bellwether.event.FeedbackSignal.Rating;
import dev.bellwether.event.FeedbackSignal.Signal;
import dev.bellwether.event.FeedbackSignal.Thumb;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.RolloutState;
import dev.bellwether.topic.Topic;
import dev.bellwether.topic.Topics;
import dev.bellwether.trainer.dataset.Erasures;
import dev.bellwether.trainer.dataset.Snapshot;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The pairs and rated interactions that are in force now, followed from the beginning of their topics; what these keep no
 * longer is forgotten here as well, however long the trainer runs.
 */
final class FeedbackLog implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FeedbackLog.class);
    private static final int RECORDS_MAX = 200_000;
    private static final Duration EXPIRY = Duration.ofHours(1);

    private final KafkaConsumer<String, byte[]> consumer;
    private final Clock clock;
    private final RecentRecords<PreferencePair> pairs = new RecentRecords<>(RECORDS_MAX, Topics.HALF_YEAR.toMillis());
    private final RecentRecords<RatedInteraction> rated = new RecentRecords<>(RECORDS_MAX, Topics.HALF_YEAR.toMillis());
    private final Map<String, RolloutState> rollouts = new HashMap<>();
    private final Erasures erasures = new Erasures();
    private boolean erasuresChanged;
    private @Nullable Map<TopicPartition, Long> ends;
    private boolean caughtUp;
    private Instant expired = Instant.MIN;

    FeedbackLog(String kafka, Clock clock) {
        this.clock = clock;
        consumer = new KafkaConsumer<>(
                Map.of(
                        ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                        kafka,
                        ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                        "read_committed",
                        ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
                        false),
                new StringDeserializer(),
                new ByteArrayDeserializer());
        List<TopicPartition> partitions = new ArrayList<>();
        for (Topic<?> topic :
                List.of(Topics.PREFERENCE_PAIRS, Topics.RATED_INTERACTIONS, Topics.ROLLOUT_STATE, Topics.ERASURES)) {
            partitions.addAll(topic.partitions(consumer));
        }
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
    }

    /** Takes in what has come; waits at most {@code wait}. */
    void poll(Duration wait) {
        try {
            consumer.poll(wait).forEach(this::take);
            if (!caughtUp) {
                Map<TopicPartition, Long> known = ends == null ? consumer.endOffsets(consumer.assignment()) : ends;
                ends = known;
                caughtUp = known.entrySet().stream().allMatch(end -> consumer.position(end.getKey()) >= end.getValue());
            }
        } catch (WakeupException e) {
            LOG.debug("what waits for records need not wait longer", e);
        }
        if (clock.instant().minus(EXPIRY).isAfter(expired)) {
            expired = clock.instant();
            pairs.expire(clock.millis());
            rated.expire(clock.millis());
        }
    }

    /** Lets a {@link #poll} that waits return; from any thread. */
    void wake() {
        consumer.wakeup();
    }

    /** Whether all is in that the topics held at the first look; until then what is known is only a part. */
    boolean caughtUp() {
        return caughtUp;
    }

    private void take(ConsumerRecord<String, byte[]> record) {
        try {
            if (record.topic().equals(Topics.PREFERENCE_PAIRS.name())) {
                put(pairs, Topics.PREFERENCE_PAIRS, PreferencePair::bot, record);
            } else if (record.topic().equals(Topics.RATED_INTERACTIONS.name())) {
                put(rated, Topics.RATED_INTERACTIONS, each -> each.interaction().bot(), record);
            } else if (record.topic().equals(Topics.ROLLOUT_STATE.name())) {
                put(record);
            } else if (record.value() != null) {
                forget(Topics.ERASURES.valueSerde().deserializer().deserialize(record.topic(), record.value()));
            }
        } catch (SerializationException e) {
            LOG.error("a record of {} is passed over: {}", record.topic(), e.getMessage());
        }
    }

    private void forget(Erasure erasure) {
        erasuresChanged |= erasures.add(erasure);
    }

    /** Whether somebody has asked to be forgotten since this was asked last. */
    boolean erasuresChanged() {
        boolean changed = erasuresChanged;
        erasuresChanged = false;
        return changed;
    }

    /** Who asked to be forgotten so far. */
    Erasures erasures() {
        return erasures;
    }

    private static <E extends Event> void put(
            RecentRecords<E> records, Topic<E> topic, Function<E, String> bot, ConsumerRecord<String, byte[]> record) {
        records.remove(record.key());
        if (record.value() != null) {
            E event = topic.valueSerde().deserializer().deserialize(topic.name(), record.value());
            records.put(bot.apply(event), record.key(), record.timestamp(), event);
        }
    }

    private void put(ConsumerRecord<String, byte[]> record) {
        rollouts.remove(record.key());
        if (record.value() != null) {
            rollouts.put(
                    record.key(),
                    Topics.ROLLOUT_STATE.valueSerde().deserializer().deserialize(record.topic(), record.value()));
        }
    }

    /** Judgements of {@code bot} in force that are newer than {@code after} and that something can be learned from. */
    long judgements(String bot, Instant after) {
        return usable(bot)
                .filter(judgement -> judgement.time() > after.toEpochMilli())
                .count();
    }

    /** When the first of the judgements was made that are in force; none where there are none. */
    Optional<Instant> judgedSince(String bot) {
        return usable(bot)
                .map(judgement -> Instant.ofEpochMilli(judgement.time()))
                .min(Comparator.naturalOrder());
    }

    /** When the last of them was; the epoch where there are none. */
    Instant judgedUntil(String bot) {
        return usable(bot)
                .map(judgement -> Instant.ofEpochMilli(judgement.time()))
                .max(Comparator.naturalOrder())
                .orElse(Instant.EPOCH);
    }

    /** Votes and choices; not ties, middling ratings, flags and what somebody merely did. */
    private Stream<Feedback> usable(String bot) {
        return rated.of(bot)
                .flatMap(each -> each.judgements().stream())
                .filter(judgement -> usable(judgement.signal()));
    }

    private static boolean usable(@Nullable FeedbackSignal signal) {
        return switch (signal) {
            case null -> false;
            case Thumb _, Ranking _, Edit _ -> true;
            case Rating rating -> rating.value() != Rating.MIDDLE;
            case Preference preference -> preference.outcome() != Outcome.TIE;
            case Flag _, Signal _ -> false;
        };
    }

    /** @param quarantine whether those who came in a burst are left out */
    Snapshot snapshot(String bot, boolean quarantine) {
        return Snapshot.of(pairs.of(bot).toList(), rated.of(bot).toList(), quarantine)
                .without(erasures);
    }

    Optional<RolloutState> rollout(String bot) {
        return Optional.ofNullable(rollouts.get(bot));
    }

    @Override
    public void close() {
        consumer.close();
    }
}
