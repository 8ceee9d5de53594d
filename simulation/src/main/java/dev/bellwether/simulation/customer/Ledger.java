package dev.bellwether.simulation.customer;

import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.LongAdder;

/** What the service said to its customers: every interaction served, every judgement acknowledged, every failure. */
public final class Ledger {
    private final Set<String> interactions = ConcurrentHashMap.newKeySet();
    private final Queue<Entry> entries = new ConcurrentLinkedQueue<>();
    private final LongAdder acknowledged = new LongAdder();
    private final Map<String, LongAdder> kinds = new ConcurrentHashMap<>();
    private final Map<String, LongAdder> failures = new ConcurrentHashMap<>();

    /** A judgement that the service said it had stored. */
    public record Entry(String feedbackId, String interactionId, String kind) {}

    public void served(String interactionId) {
        interactions.add(interactionId);
    }

    public void acknowledged(Entry entry) {
        entries.add(entry);
        acknowledged.increment();
        kinds.computeIfAbsent(entry.kind(), _ -> new LongAdder()).increment();
    }

    /** A call that failed for good. */
    public void failed(String what) {
        failures.computeIfAbsent(what, _ -> new LongAdder()).increment();
    }

    /** Ids of the interactions served. */
    public Set<String> interactions() {
        return Set.copyOf(interactions);
    }

    public Iterable<Entry> entries() {
        return entries;
    }

    /** Judgements acknowledged so far. */
    public long feedback() {
        return acknowledged.sum();
    }

    /** Judgements by kind, {@code signal:regenerated} being a kind of its own. */
    public Map<String, Long> kinds() {
        return sums(kinds);
    }

    /** Failures by what failed and the code of the failure. */
    public Map<String, Long> failures() {
        return sums(failures);
    }

    private static Map<String, Long> sums(Map<String, LongAdder> counts) {
        Map<String, Long> sums = new TreeMap<>();
        counts.forEach((name, count) -> sums.put(name, count.sum()));
        return sums;
    }
}
