package dev.bellwether.simulation.benchmark;

import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal.Outcome;
import dev.bellwether.event.FeedbackSignal.Preference;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.topic.Topic;
import dev.bellwether.topic.Topics;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * What a client was told, against what the topics hold in the end, as sets. What must be in force, and which pairs there must
 * be, is worked out here from the records, without the stream's code.
 */
final class JudgementLedger {
    private static final Duration POLL = Duration.ofMillis(200);

    /** Ids that were answered with 202. */
    private final Set<String> accepted = ConcurrentHashMap.newKeySet();

    void accept(String feedbackId) {
        accepted.add(feedbackId);
    }

    long accepted() {
        return accepted.size();
    }

    /**
     * What does not agree.
     *
     * @param lost 202 whose record is nowhere
     * @param unknown records that nobody was told of
     * @param unrated interactions whose judgements in force are not what follows from the records
     * @param wrongPairs pairs that are missing, or there without a reason
     */
    record Differences(long lost, long unknown, long unrated, long wrongPairs) {
        boolean none() {
            return lost + unknown + unrated + wrongPairs == 0;
        }
    }

    Differences compare(String kafka) {
        Map<String, Feedback> feedback = new LinkedHashMap<>();
        read(kafka, Topics.FEEDBACK, (key, each) -> feedback.putIfAbsent(each.feedbackId(), each));
        Map<String, Interaction> interactions = new HashMap<>();
        read(kafka, Topics.INTERACTIONS, (key, each) -> interactions.putIfAbsent(each.interactionId(), each));
        Map<String, RatedInteraction> rated = new HashMap<>();
        read(kafka, Topics.RATED_INTERACTIONS, rated::put);
        Map<String, PreferencePair> pairs = new HashMap<>();
        read(kafka, Topics.PREFERENCE_PAIRS, pairs::put);
        Map<String, Set<String>> inForce = inForce(feedback, interactions);
        Map<String, Set<String>> found = new HashMap<>();
        rated.forEach((id, each) -> found.put(id, ids(each)));
        Set<String> expected = pairs(feedback, interactions, inForce);
        Set<String> made = new HashSet<>();
        pairs.values()
                .forEach(pair -> made.add(
                        describe(pair.chosen().interactionId(), pair.chosen().text())));
        return new Differences(
                missing(accepted, feedback.keySet()),
                missing(feedback.keySet(), accepted),
                different(inForce, found),
                missing(expected, made) + missing(made, expected) + Math.abs(pairs.size() - expected.size()));
    }

    private static Set<String> ids(RatedInteraction each) {
        Set<String> ids = new HashSet<>();
        each.judgements().forEach(judgement -> ids.add(judgement.feedbackId()));
        return ids;
    }

    private static long missing(Set<String> wanted, Set<String> there) {
        return wanted.stream().filter(each -> !there.contains(each)).count();
    }

    private static long different(Map<String, Set<String>> wanted, Map<String, Set<String>> there) {
        Set<String> all = new HashSet<>(wanted.keySet());
        all.addAll(there.keySet());
        return all.stream()
                .filter(id -> !wanted.getOrDefault(id, Set.of()).equals(there.getOrDefault(id, Set.of())))
                .count();
    }

    /** Of each interaction's judgements of one kind on one reply the last, by the server's time. */
    private static Map<String, Set<String>> inForce(
            Map<String, Feedback> feedback, Map<String, Interaction> interactions) {
        List<Feedback> inOrder = feedback.values().stream()
                .filter(each -> interactions.containsKey(each.interactionId()))
                .sorted(Comparator.comparingLong(Feedback::time).thenComparing(Feedback::feedbackId))
                .toList();
        Map<List<Object>, Feedback> last = new HashMap<>();
        for (Feedback each : inOrder) {
            if (each.signal() != null) {
                last.put(
                        List.of(
                                each.interactionId(),
                                each.choice(),
                                each.signal().kind()),
                        each);
            }
        }
        Map<String, Set<String>> inForce = new TreeMap<>();
        last.values()
                .forEach(each -> inForce.computeIfAbsent(each.interactionId(), _ -> new HashSet<>())
                        .add(each.feedbackId()));
        return inForce;
    }

    /** Every interaction asks something of its own, so that its duel alone makes a pair of it. */
    private static Set<String> pairs(
            Map<String, Feedback> feedback, Map<String, Interaction> interactions, Map<String, Set<String>> inForce) {
        Set<String> pairs = new HashSet<>();
        inForce.forEach((id, judgements) -> {
            Interaction interaction = interactions.get(id);
            for (String judgement : judgements) {
                Feedback each = feedback.get(judgement);
                if (interaction != null
                        && each != null
                        && each.signal() instanceof Preference preference
                        && interaction.replies().size() == 2) {
                    String first = interaction.replies().getFirst().text();
                    String second = interaction.replies().getLast().text();
                    boolean decided = preference.outcome() == Outcome.FIRST || preference.outcome() == Outcome.SECOND;
                    if (decided && !first.equals(second)) {
                        pairs.add(describe(id, preference.outcome() == Outcome.FIRST ? first : second));
                    }
                }
            }
        });
        return pairs;
    }

    private static String describe(String interaction, String chosen) {
        return interaction + " " + chosen;
    }

    /** The whole topic in order; a tombstone takes its key out. */
    private static <E extends Event> void read(String kafka, Topic<E> topic, BiConsumer<String, E> into) {
        try (KafkaConsumer<String, E> consumer = new KafkaConsumer<>(
                Map.of(
                        ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                        kafka,
                        ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                        "read_committed"),
                new StringDeserializer(),
                topic.valueSerde().deserializer())) {
            List<TopicPartition> partitions = topic.partitions(consumer);
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            Map<String, E> last = new LinkedHashMap<>();
            boolean compacted =
                    topic.settings().getOrDefault("cleanup.policy", "").contains("compact");
            while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                consumer.poll(POLL).forEach(record -> {
                    if (!compacted) {
                        into.accept(record.key(), record.value());
                    } else if (record.value() == null) {
                        last.remove(record.key());
                    } else {
                        last.put(record.key(), record.value());
                    }
                });
            }
            last.forEach(into);
        }
    }
}
