package dev.bellwether.stream.attribution;

import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.RatedInteraction;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one interaction: the interaction itself, once it has come, and every judgement so far.
 *
 * <p>The order of arrival does not matter: judgements are kept by id, and which of them are in force follows from the
 * whole set.
 *
 * @param revision of the rated interaction that was emitted last
 * @param touched when the last record came, in milliseconds
 */
record Attributed(@Nullable Interaction interaction, List<Feedback> feedback, long revision, long touched) {
    static final Attributed NOTHING = new Attributed(null, List.of(), 0, 0);

    /** Far more than people change their minds; it keeps a record within what Kafka takes. */
    private static final int FEEDBACK_MAX = 64;

    Attributed {
        feedback = List.copyOf(feedback);
    }

    /** With {@code arrived}; an interaction that is here already stays. */
    Attributed with(Interaction arrived, long now) {
        return interaction == null ? new Attributed(arrived, feedback, revision, now) : this;
    }

    /** With {@code arrived}; feedback whose id is here already changes nothing. */
    Attributed with(Feedback arrived, long now) {
        if (feedback.stream().anyMatch(known -> known.feedbackId().equals(arrived.feedbackId()))) {
            return this;
        }
        List<Feedback> all = new ArrayList<>(feedback);
        all.add(arrived);
        all.sort(Comparator.comparingLong(Feedback::time).thenComparing(Feedback::feedbackId));
        return new Attributed(interaction, all, revision, now);
    }

    /**
     * What has to go when this is more feedback than one interaction may have: the oldest that a later judgement has
     * replaced, and where there is none, the oldest.
     */
    Optional<Feedback> excess() {
        if (feedback.size() <= FEEDBACK_MAX) {
            return Optional.empty();
        }
        Map<String, Feedback> last = new HashMap<>();
        for (Feedback each : feedback) {
            if (each.signal() != null) {
                Feedback replaced = last.put(subject(each, each.signal()), each);
                if (replaced != null) {
                    return Optional.of(replaced);
                }
            }
        }
        return Optional.of(feedback.getFirst());
    }

    Attributed without(Feedback gone) {
        return new Attributed(
                interaction,
                feedback.stream().filter(each -> !each.equals(gone)).toList(),
                revision,
                touched);
    }

    /** Who judges what: of one subject one judgement is in force. */
    private static String subject(Feedback judgement, FeedbackSignal signal) {
        return String.join(
                "|",
                judgement.source().name(),
                Optional.ofNullable(judgement.userHash()).orElse(""),
                Integer.toString(judgement.choice()),
                signal.kind());
    }

    /**
     * The judgements in force: of one person's judgements of one kind on one reply the last by time, less those that
     * were withdrawn.
     */
    List<Feedback> inForce() {
        Set<String> withdrawn = new HashSet<>();
        Map<String, Feedback> last = new TreeMap<>();
        for (Feedback each : feedback) {
            String target = each.withdraws();
            if (target != null) {
                withdrawn.add(target);
            }
        }
        for (Feedback each : feedback) {
            if (each.signal() != null && !withdrawn.contains(each.feedbackId())) {
                last.put(subject(each, each.signal()), each);
            }
        }
        return last.values().stream()
                .sorted(Comparator.comparingLong(Feedback::time).thenComparing(Feedback::feedbackId))
                .toList();
    }

    /** What to emit after a change: nothing while the interaction is missing, incomplete or unjudged. */
    Optional<RatedInteraction> rated() {
        Interaction known = interaction;
        if (known == null || !known.complete() || feedback.isEmpty()) {
            return Optional.empty();
        }
        List<Feedback> valid = inForce().stream()
                .filter(each -> each.choice() < known.replies().size())
                .toList();
        return Optional.of(new RatedInteraction(Event.SCHEMA, revision, known, valid));
    }

    Attributed revised() {
        return new Attributed(interaction, feedback, revision + 1, touched);
    }
}
