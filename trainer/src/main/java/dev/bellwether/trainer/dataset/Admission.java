package dev.bellwether.trainer.dataset;

import dev.bellwether.event.Feedback;
import dev.bellwether.event.Message;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.RatedInteraction;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Which records a snapshot takes of all there are, so that nobody can poison it; a pure function of the whole. */
final class Admission {
    /** So many pairs that say the same of the same prompt are heard. */
    static final int COPIES_MAX = 20;

    private final Set<String> burst;
    private final JudgementCap cap;
    private final Map<Comparison, Integer> copies = new HashMap<>();
    private long overCap;
    private long copied;
    private long quarantined;

    private record Comparison(List<Message> prompt, String chosen, String rejected) {}

    private Admission(Set<String> burst, JudgementCap cap) {
        this.burst = burst;
        this.cap = cap;
    }

    /** @param quarantine whether those who came in a burst wait until somebody has looked */
    static Snapshot of(List<PreferencePair> pairs, List<RatedInteraction> rated, boolean quarantine) {
        Admission admission =
                new Admission(quarantine ? burst(pairs, rated) : Set.of(), new JudgementCap(pairs.size()));
        List<PreferencePair> taken = pairs.stream()
                .sorted(Comparator.comparing(PreferencePair::pairId))
                .filter(admission::admits)
                .toList();
        List<RatedInteraction> heard = rated.stream()
                .sorted(Comparator.comparing(each -> each.interaction().interactionId()))
                .filter(admission::admits)
                .toList();
        return new Snapshot(taken, heard, new LeftOut(admission.overCap, admission.copied, admission.quarantined));
    }

    private static Set<String> burst(List<PreferencePair> pairs, List<RatedInteraction> rated) {
        Bursts bursts = new Bursts();
        pairs.forEach(pair -> pair.judges().forEach(judge -> bursts.add(judge, pair.time())));
        rated.forEach(each -> each.judgements().forEach(judgement -> bursts.add(person(judgement), judgement.time())));
        return bursts.people();
    }

    /** Who nobody named is one for each interaction. */
    private static String person(Feedback judgement) {
        return judgement.userHash() == null ? judgement.interactionId() : judgement.userHash();
    }

    private boolean admits(PreferencePair pair) {
        if (!Collections.disjoint(burst, pair.judges())) {
            quarantined++;
            return false;
        }
        Comparison comparison = new Comparison(
                pair.prompt(), pair.chosen().text(), pair.rejected().text());
        if (copies.getOrDefault(comparison, 0) >= COPIES_MAX) {
            copied++;
            return false;
        }
        if (!cap.admits(pair.judges(), pair.time())) {
            overCap++;
            return false;
        }
        copies.merge(comparison, 1, Integer::sum);
        return true;
    }

    private boolean admits(RatedInteraction each) {
        boolean waits = each.judgements().stream().map(Admission::person).anyMatch(burst::contains);
        quarantined += waits ? 1 : 0;
        return !waits;
    }
}
