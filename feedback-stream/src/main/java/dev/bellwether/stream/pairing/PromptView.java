package dev.bellwether.stream.pairing;

import dev.bellwether.event.InteractionId;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.PreferencePair.Origin;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.stream.GroupedStore;
import dev.bellwether.stream.pairing.Judged.Held;
import dev.bellwether.stream.pairing.PairRules.Ruled;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * What is looked at of a prompt when one of its interactions changes: this one, the newest of the others, those that it
 * is in pairs with, and its conversation.
 *
 * <p>Of a prompt with no more judged interactions than are looked at, that is all of them, and its pairs follow from them
 * whatever their order. A prompt with more keeps the pairs that it has: what is not looked at any more is in no new pair,
 * and a pair goes only when a judgement that it rests on does.
 */
final class PromptView {
    private static final int JUDGED_MAX = 64;

    private final String prompt;
    private final GroupedStore<Judged> store;
    private final ThumbPairs thumbs;
    private final RatedInteraction arrived;
    private final Optional<Judged> before;
    private final Map<String, Judged> judged = new TreeMap<>();
    private final Map<String, RatedInteraction> tries = new TreeMap<>();
    private final boolean whole;

    PromptView(String prompt, GroupedStore<Judged> store, ThumbPairs thumbs, Tries tries, RatedInteraction arrived) {
        this.prompt = prompt;
        this.store = store;
        this.thumbs = thumbs;
        this.arrived = arrived;
        this.before = store.of(prompt, id());
        List<Judged> newest = store.newest(prompt, JUDGED_MAX + 1);
        whole = newest.size() <= JUDGED_MAX;
        newest.stream().limit(JUDGED_MAX).forEach(each -> judged.put(each.id(), each));
        before.map(known -> known.pairs().values()).stream()
                .flatMap(pairs -> pairs.stream().flatMap(held -> held.interactions().stream()))
                .filter(partner -> !judged.containsKey(partner))
                .distinct()
                .forEach(partner -> store.of(prompt, partner).ifPresent(each -> judged.put(partner, each)));
        if (arrived.revision() > 0) {
            judged.put(id(), new Judged(arrived, before.map(Judged::pairs).orElse(Map.of())));
        }
        conversations().forEach(each -> look(tries, each));
    }

    private String id() {
        return arrived.interaction().interactionId();
    }

    /** Whether something newer of the same interaction is known. */
    boolean old() {
        return before.isPresent() && before.get().rated().revision() >= arrived.revision() && arrived.revision() > 0;
    }

    /** Those whose tries matter: its own, and where the flagged texts change, all in which something was regenerated. */
    private Stream<RatedInteraction> conversations() {
        Set<String> flagged = PairRules.flaggedTexts(arrived);
        boolean flagsChange = !flagged.equals(
                before.map(known -> PairRules.flaggedTexts(known.rated())).orElse(Set.of()));
        Stream<RatedInteraction> others =
                judged.values().stream().map(Judged::rated).filter(PairRules::regeneratedAway);
        return Stream.concat(Stream.of(arrived), flagsChange ? others : Stream.of());
    }

    private void look(Tries all, RatedInteraction conversation) {
        List<RatedInteraction> newest = all.of(prompt, conversation);
        newest.forEach(each -> {
            Judged known = judged.get(each.interaction().interactionId());
            tries.put(each.interaction().interactionId(), known == null ? each : known.rated());
        });
        if (newest.size() == Tries.TRIES_MAX) {
            // What was regenerated may be before the newest.
            String key = Tries.conversation(prompt, conversation.interaction());
            judged.values().stream()
                    .filter(each -> PairRules.regeneratedAway(each.rated())
                            && Tries.conversation(prompt, each.rated().interaction())
                                    .equals(key))
                    .forEach(each -> tries.put(each.id(), each.rated()));
        }
    }

    /** Ids of pairs that no longer hold, and pairs that are new or have changed. */
    record Changed(Set<String> withdrawn, List<PreferencePair> pairs) {}

    /** What the change of the interaction changes in pairs; it is remembered when this returns. */
    Changed change() {
        Map<String, Held> held = new TreeMap<>();
        judged.values().forEach(each -> held.putAll(each.pairs()));
        Set<String> standing = thumbs.of(prompt);
        Map<String, Held> inForce = new HashMap<>(held);
        inForce.keySet().retainAll(standing);
        Map<String, Ruled> ruled = PairRules.apply(
                judged.values().stream().map(Judged::rated).toList(),
                tries.values(),
                whole ? Map.of() : inForce,
                whole ? PairRules.THUMB_PAIRS_MAX : Math.max(0, PairRules.THUMB_PAIRS_MAX - standing.size()));
        Set<String> withdrawn = new TreeSet<>();
        held.forEach((pairId, pair) -> {
            if (!ruled.containsKey(pairId) && (visible(pair) || !standing(pair))) {
                withdrawn.add(pairId);
            }
        });
        List<PreferencePair> changed = new ArrayList<>();
        Map<String, Held> after = new HashMap<>(held);
        after.keySet().removeAll(withdrawn);
        ruled.forEach((pairId, pair) -> {
            Held now = Held.of(pair);
            if (!now.equals(after.put(pairId, now))) {
                changed.add(pair.pair());
            }
        });
        remember(after);
        remember(standing, withdrawn, ruled);
        return new Changed(withdrawn, changed);
    }

    private void remember(Set<String> thumbsBefore, Set<String> withdrawn, Map<String, Ruled> ruled) {
        Set<String> after = new TreeSet<>(thumbsBefore);
        after.removeAll(withdrawn);
        ruled.forEach((pairId, each) -> {
            if (each.pair().origin() == Origin.THUMBS) {
                after.add(pairId);
            }
        });
        if (!after.equals(thumbsBefore)) {
            thumbs.replace(prompt, after, InteractionId.time(id()));
        }
    }

    /** Whether the rules saw all that the pair follows from. */
    private boolean visible(Held pair) {
        return switch (pair.origin()) {
            case REGENERATE -> tries.keySet().containsAll(pair.restsOn().keySet());
            case THUMBS, DUEL, DOUBTED_DUEL, RANKING, EDIT ->
                judged.keySet().containsAll(pair.restsOn().keySet());
        };
    }

    /** Whether every judgement that it rests on is in force, as far as can be seen. */
    private boolean standing(Held pair) {
        return pair.restsOn().entrySet().stream().allMatch(each -> {
            Judged known = judged.get(each.getKey());
            return known == null
                    || known.rated().judgements().stream()
                            .anyMatch(judgement -> judgement.feedbackId().equals(each.getValue()));
        });
    }

    private void remember(Map<String, Held> pairs) {
        for (Judged each : judged.values()) {
            Map<String, Held> own = new HashMap<>(pairs);
            own.values().removeIf(pair -> !pair.interactions().contains(each.id()));
            boolean arrivedNow = each.id().equals(id()) && arrived.revision() > 0;
            if (arrivedNow || !own.equals(each.pairs())) {
                store.put(prompt, each.id(), new Judged(each.rated(), own));
            }
        }
    }
}
