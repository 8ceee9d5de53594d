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

/**
 * Every judgement of one interaction so far.
 *
 * <p>The order of arrival does not matter: judgements are kept by id, and which of them are in force follows from the
 * whole set.
 *
 * @param revision of the rated interaction that was emitted last
 * @param waitsSince when the first of them came before its interaction, in milliseconds; 0 when the interaction was there
 */
record Judgements(List<Feedback> feedback, long revision, long waitsSince) {
    static final Judgements NONE = new Judgements(List.of(), 0, 0);

    /** Far more than people change their minds; it keeps a record within what Kafka takes. */
    private static final int FEEDBACK_MAX = 64;

    private static final Comparator<Feedback> BY_TIME =
            Comparator.comparingLong(Feedback::time).thenComparing(Feedback::feedbackId);

    Judgements {
        feedback = List.copyOf(feedback);
    }

    /** Whether {@code arrived} is here already, by its id. */
    boolean contains(Feedback arrived) {
        return feedback.stream().anyMatch(known -> known.feedbackId().equals(arrived.feedbackId()));
    }

    Judgements with(Feedback arrived) {
        List<Feedback> all = new ArrayList<>(feedback);
        all.add(arrived);
        all.sort(BY_TIME);
        return new Judgements(all, revision, waitsSince);
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

    Judgements without(Feedback gone) {
        return new Judgements(
                feedback.stream().filter(each -> !each.equals(gone)).toList(), revision, waitsSince);
    }

    Judgements waitingSince(long time) {
        return new Judgements(feedback, revision, time);
    }

    Judgements revised() {
        return new Judgements(feedback, revision + 1, 0);
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
        return last.values().stream().sorted(BY_TIME).toList();
    }

    /** With their interaction, as far as they judge something that it has. */
    RatedInteraction rate(Interaction interaction) {
        List<Feedback> valid =
                inForce().stream().filter(each -> each.fits(interaction)).toList();
        return new RatedInteraction(Event.SCHEMA, revision, interaction, valid);
    }
}
