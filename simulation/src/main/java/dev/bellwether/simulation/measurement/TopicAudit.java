package dev.bellwether.simulation.measurement;

import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.Reply;
import dev.bellwether.event.Source;
import dev.bellwether.simulation.customer.Ledger;
import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A ledger held against the topics: what the service acknowledged must be there, and count once.
 *
 * @param lost judgements in the ledger that the topic {@code feedback} does not hold
 * @param duplicated judgements that count more than once, as judgements in force or as pairs of a duel
 * @param unrated acknowledged judgements of which nothing was in force when time was up, neither they nor a later one
 * @param versions what each version served to these customers, and the thumbs it got
 */
public record TopicAudit(long lost, long duplicated, long unrated, List<Version> versions) {
    public TopicAudit {
        versions = List.copyOf(versions);
    }

    /** One version's interactions and thumbs. */
    public record Version(String version, long served, long up, long down) {}

    /**
     * Reads the topics; waits up to {@code patience} for what a gateway still holds in its spool, and as long again for
     * the stream to catch up.
     */
    public static TopicAudit of(TopicReader reader, Ledger ledger, Duration patience) throws IOException {
        Set<String> acknowledged = new HashSet<>();
        ledger.entries().forEach(entry -> acknowledged.add(entry.feedbackId()));
        Set<String> missing = new HashSet<>(acknowledged);
        Map<String, Feedback> feedback = new HashMap<>();
        reader.read(
                Topics.FEEDBACK,
                (key, value) -> {
                    if (value != null) {
                        missing.remove(value.feedbackId());
                        feedback.putIfAbsent(value.feedbackId(), value);
                    }
                },
                missing::isEmpty,
                patience);
        Set<String> unrated = new HashSet<>(acknowledged);
        unrated.removeAll(missing);
        Map<String, RatedInteraction> rated = new HashMap<>();
        reader.read(
                Topics.RATED_INTERACTIONS,
                (key, value) -> {
                    TopicReader.put(rated, key, value);
                    if (value != null) {
                        Set<Subject> judged = subjects(value);
                        unrated.removeIf(id -> judged.contains(Subject.of(feedback.get(id))));
                    }
                },
                unrated::isEmpty,
                patience);
        return new TopicAudit(
                missing.size(),
                duplicated(
                        rated.values(), reader.latest(Topics.PREFERENCE_PAIRS).values()),
                unrated.size(),
                versions(reader.all(Topics.INTERACTIONS), feedback.values(), ledger.interactions()));
    }

    /** Who judged what: of one subject one judgement is in force, the last. */
    private record Subject(
            String interaction,
            int choice,
            String kind,
            Source source,
            @Nullable String user) {
        static @Nullable Subject of(@Nullable Feedback each) {
            return each == null || each.signal() == null
                    ? null
                    : new Subject(
                            each.interactionId(), each.choice(), each.signal().kind(), each.source(), each.userHash());
        }
    }

    private static Set<Subject> subjects(RatedInteraction rated) {
        return rated.judgements().stream()
                .flatMap(each -> Stream.ofNullable(Subject.of(each)))
                .collect(Collectors.toSet());
    }

    /** Judgements that count more than once: a second in force of one subject, or a second pair of one duel. */
    static long duplicated(Collection<RatedInteraction> rated, Collection<PreferencePair> pairs) {
        long judgements = rated.stream()
                .mapToLong(each -> each.judgements().size() - subjects(each).size())
                .sum();
        List<String> duels = pairs.stream()
                .filter(pair -> pair.origin().duel())
                .map(pair -> pair.chosen().interactionId())
                .toList();
        return judgements + duels.size() - Set.copyOf(duels).size();
    }

    static List<Version> versions(
            Collection<Interaction> interactions, Collection<Feedback> feedback, Set<String> counted) {
        Map<String, Interaction> answered = new HashMap<>();
        Map<String, long[]> counts = new TreeMap<>();
        for (Interaction interaction : interactions) {
            if (counted.contains(interaction.interactionId())
                    && !interaction.replies().isEmpty()) {
                answered.put(interaction.interactionId(), interaction);
            }
        }
        answered.values()
                .forEach(interaction -> interaction.replies().stream()
                        .map(Reply::version)
                        .distinct()
                        .forEach(version -> counts.computeIfAbsent(version, _ -> new long[3])[0]++));
        for (Feedback judgement : feedback) {
            Interaction interaction = answered.get(judgement.interactionId());
            if (interaction != null
                    && judgement.choice() < interaction.replies().size()
                    && judgement.signal() instanceof FeedbackSignal.Thumb thumb) {
                String version = interaction.replies().get(judgement.choice()).version();
                counts.computeIfAbsent(version, _ -> new long[3])[thumb.up() ? 1 : 2]++;
            }
        }
        List<Version> versions = new ArrayList<>();
        counts.forEach((version, count) -> versions.add(new Version(version, count[0], count[1], count[2])));
        return versions;
    }
}
