package dev.bellwether.stream.pairing;

import com.google.common.collect.Comparators;
import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal;
import dev.bellwether.event.FeedbackSignal.Edit;
import dev.bellwether.event.FeedbackSignal.Flag;
import dev.bellwether.event.FeedbackSignal.Outcome;
import dev.bellwether.event.FeedbackSignal.Preference;
import dev.bellwether.event.FeedbackSignal.Ranking;
import dev.bellwether.event.FeedbackSignal.Signal;
import dev.bellwether.event.FeedbackSignal.Thumb;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.PreferencePair.Origin;
import dev.bellwether.event.PreferencePair.Response;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.Reply;
import dev.bellwether.event.Source;
import dev.bellwether.stream.pairing.Judged.Held;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The pairs that follow from rated interactions of one prompt: a pure function of the set, whatever the order.
 *
 * <p>Responses are compared only within one prompt: across prompts a preference says how hard the question was.
 */
final class PairRules {
    /** Of one prompt. */
    static final int THUMB_PAIRS_MAX = 8;

    private static final double WEAK = .5;

    /** A reply that comes later than this is an answer to the same question, not another try. */
    static final Duration REPLACES_WITHIN = Duration.ofDays(1);

    private final List<RatedInteraction> rated;
    private final List<RatedInteraction> tries;
    private final Map<String, Held> inForce;
    private final Set<List<String>> inForceBetween = new HashSet<>();
    private final Set<String> flagged = new HashSet<>();
    private final Map<String, Ruled> pairs = new TreeMap<>();

    /**
     * A pair and what it follows from.
     *
     * @param restsOn ids of the judgements, by interaction
     */
    record Ruled(PreferencePair pair, Map<String, String> restsOn) {}

    private PairRules(
            Collection<RatedInteraction> rated, Collection<RatedInteraction> tries, Map<String, Held> inForce) {
        this.rated = sorted(rated);
        this.tries = sorted(tries);
        this.inForce = inForce;
        inForce.values().forEach(pair -> inForceBetween.add(pair.interactions()));
        this.rated.forEach(each -> flagged.addAll(flaggedTexts(each)));
    }

    private static List<RatedInteraction> sorted(Collection<RatedInteraction> rated) {
        return rated.stream()
                .sorted(Comparator.comparing(each -> each.interaction().interactionId()))
                .toList();
    }

    /**
     * Pairs by id.
     *
     * @param rated judged interactions of the prompt
     * @param tries whole conversations' turns of the prompt, judged or not, in which something was regenerated
     * @param inForce thumb pairs, by their ids, that go before new ones, of which there may be {@code room} more
     */
    static Map<String, Ruled> apply(
            Collection<RatedInteraction> rated,
            Collection<RatedInteraction> tries,
            Map<String, Held> inForce,
            int room) {
        PairRules rules = new PairRules(rated, tries, inForce);
        rules.rated.forEach(rules::compared);
        rules.regenerated();
        rules.thumbs(room);
        return rules.pairs;
    }

    /** Duels, rankings and edits: one person compared two texts directly. */
    private void compared(RatedInteraction each) {
        for (Feedback judgement : each.judgements()) {
            FeedbackSignal signal = judgement.signal();
            if (signal instanceof Preference preference && each.interaction().duel()) {
                duel(each, judgement, preference.outcome());
            } else if (signal instanceof Ranking ranking) {
                ranking(each, judgement, ranking);
            } else if (signal instanceof Edit edit) {
                edit(each, judgement, edit);
            }
        }
    }

    private void duel(RatedInteraction each, Feedback judgement, Outcome outcome) {
        Origin origin = each.interaction().doubted() ? Origin.DOUBTED_DUEL : Origin.DUEL;
        switch (outcome) {
            case FIRST -> add(each, judgement, origin, 1, reply(each, 0), reply(each, 1));
            case SECOND -> add(each, judgement, origin, 1, reply(each, 1), reply(each, 0));
            case TIE, BOTH_BAD -> {}
        }
    }

    private void ranking(RatedInteraction each, Feedback judgement, Ranking ranking) {
        int replies = each.interaction().replies().size();
        double weight = 2.0 / Math.max(2, replies * (replies - 1));
        for (int better = 0; better < ranking.order().size(); better++) {
            for (int worse = better + 1; worse < ranking.order().size(); worse++) {
                for (int chosen : ranking.order().get(better)) {
                    for (int rejected : ranking.order().get(worse)) {
                        add(each, judgement, Origin.RANKING, weight, reply(each, chosen), reply(each, rejected));
                    }
                }
            }
        }
    }

    private void edit(RatedInteraction each, Feedback judgement, Edit edit) {
        double weight = judgement.source() == Source.END_USER ? WEAK : 1;
        Response written = new Response(edit.text(), each.interaction().interactionId(), null, 0);
        add(each, judgement, Origin.EDIT, weight, written, reply(each, judgement.choice()));
    }

    /**
     * The reply that was kept over the one that the same conversation regenerated away: the last of those that came in
     * its place, one that its reader liked before others, and none that is empty, flagged or was turned down.
     */
    private void regenerated() {
        for (RatedInteraction away : tries) {
            for (Feedback judgement : away.judgements()) {
                if (regenerated(judgement)) {
                    tries.stream()
                            .filter(kept -> follows(kept, away) && kept(kept))
                            .max(Comparator.comparing(PairRules::up).thenComparingLong(PairRules::time))
                            .ifPresent(kept -> add(
                                    away,
                                    judgement,
                                    Origin.REGENERATE,
                                    up(kept) ? 1 : WEAK,
                                    reply(kept, 0),
                                    reply(away, judgement.choice())));
                }
            }
        }
    }

    /** Whether {@code kept} may have come in the place of {@code away}. */
    private static boolean follows(RatedInteraction kept, RatedInteraction away) {
        Interaction later = kept.interaction();
        Interaction earlier = away.interaction();
        long between = later.time() - earlier.time();
        return mayReplaceAnother(later)
                && later.conversationId().equals(earlier.conversationId())
                && Objects.equals(later.userHash(), earlier.userHash())
                && between > 0
                && between <= REPLACES_WITHIN.toMillis();
    }

    /** The first reply of a conversation takes nobody's place; where its caller did not name it, that is known here. */
    static boolean mayReplaceAnother(Interaction each) {
        return each.complete()
                && each.replies().size() == 1
                && !each.replies().getFirst().text().isBlank()
                && !each.conversationId().equals(each.interactionId());
    }

    private boolean kept(RatedInteraction each) {
        Response response = reply(each, 0);
        return !regeneratedAway(each) && !down(each) && !flagged.contains(response.text());
    }

    private static long time(RatedInteraction each) {
        return each.interaction().time();
    }

    /** Whether its reader asked for another reply in its place. */
    static boolean regeneratedAway(RatedInteraction each) {
        return each.judgements().stream().anyMatch(PairRules::regenerated);
    }

    private static boolean regenerated(Feedback judgement) {
        return judgement.signal() instanceof Signal signal && signal.name().equals("regenerated");
    }

    private static boolean up(RatedInteraction each) {
        return each.judgements().stream()
                .anyMatch(judgement -> judgement.signal() instanceof Thumb thumb && thumb.up());
    }

    private static boolean down(RatedInteraction each) {
        return each.judgements().stream()
                .anyMatch(judgement -> judgement.signal() instanceof Thumb thumb && !thumb.up());
    }

    private record Thumbed(RatedInteraction rated, Feedback judgement, Response response, boolean up) {}

    private record Couple(Thumbed up, Thumbed down) {
        /** The newest first, then the most different. */
        static final Comparator<Couple> ORDER = Comparator.comparingLong(Couple::time)
                .thenComparingInt(Couple::difference)
                .reversed()
                .thenComparing(couple -> couple.up().judgement().feedbackId())
                .thenComparing(couple -> couple.down().judgement().feedbackId());

        long time() {
            return Math.min(up.judgement().time(), down.judgement().time());
        }

        int difference() {
            return Math.abs(
                    up.response().text().length() - down.response().text().length());
        }

        List<String> between() {
            return List.of(up.response().interactionId(), down.response().interactionId());
        }

        String pairId() {
            return PairRules.id(
                    Origin.THUMBS,
                    up.response(),
                    down.response(),
                    List.of(judge(up.judgement()), judge(down.judgement())));
        }
    }

    /**
     * An up and a down on two different responses to the prompt: those in force, and of the others the newest and the most
     * different. There may be hundreds of thousands of them, of which a few are wanted.
     */
    private void thumbs(int room) {
        Map<Boolean, List<Couple>> couples = couples().stream().collect(Collectors.partitioningBy(this::standing));
        List<Couple> others = couples.getOrDefault(false, List.of());
        Stream.concat(
                        couples.getOrDefault(true, List.of()).stream(),
                        others.stream().collect(Comparators.least(room, Couple.ORDER)).stream())
                .forEach(couple -> add(
                        couple.up().rated(),
                        couple.up().judgement(),
                        Origin.THUMBS,
                        1,
                        couple.up().response(),
                        couple.down().response(),
                        couple.down().judgement()));
    }

    /** An id is a hash of both texts: it is computed where it may be one of those in force. */
    private boolean standing(Couple couple) {
        return !inForce.isEmpty() && inForceBetween.contains(couple.between()) && inForce.containsKey(couple.pairId());
    }

    private List<Couple> couples() {
        List<Thumbed> thumbed = new ArrayList<>();
        for (RatedInteraction each : rated) {
            for (Feedback judgement : each.judgements()) {
                if (judgement.signal() instanceof Thumb thumb) {
                    thumbed.add(new Thumbed(each, judgement, reply(each, judgement.choice()), thumb.up()));
                }
            }
        }
        List<Thumbed> downs = thumbed.stream().filter(each -> !each.up()).toList();
        List<Couple> couples = new ArrayList<>();
        for (Thumbed up : thumbed) {
            for (Thumbed down : up.up() ? downs : List.<Thumbed>of()) {
                boolean same =
                        up.response().interactionId().equals(down.response().interactionId());
                if (!same && comparable(up.response(), down.response())) {
                    couples.add(new Couple(up, down));
                }
            }
        }
        return couples;
    }

    private static Response reply(RatedInteraction each, int index) {
        Reply reply = each.interaction().replies().get(index);
        return new Response(reply.text(), each.interaction().interactionId(), reply.version(), reply.side());
    }

    private void add(
            RatedInteraction each,
            Feedback judgement,
            Origin origin,
            double weight,
            Response chosen,
            Response rejected,
            Feedback... others) {
        if (!comparable(chosen, rejected)) {
            return;
        }
        List<String> judges = new ArrayList<>();
        Map<String, String> restsOn = new HashMap<>();
        judges.add(judge(judgement));
        restsOn.put(judgement.interactionId(), judgement.feedbackId());
        for (Feedback other : others) {
            judges.add(judge(other));
            restsOn.put(other.interactionId(), other.feedbackId());
        }
        String id = id(origin, chosen, rejected, judges);
        Interaction interaction = each.interaction();
        PreferencePair pair = new PreferencePair(
                Event.SCHEMA,
                id,
                interaction.bot(),
                interaction.prompt(),
                chosen,
                rejected,
                origin,
                weight,
                judges,
                judgement.source(),
                interaction.conversationId(),
                judgement.time());
        pairs.put(id, new Ruled(pair, restsOn));
    }

    private static String id(Origin origin, Response chosen, Response rejected, List<String> judges) {
        return PromptKey.hash(String.join(
                "\u0000",
                origin.name(),
                chosen.interactionId(),
                chosen.text(),
                rejected.interactionId(),
                rejected.text(),
                String.join(",", judges)));
    }

    private static String judge(Feedback judgement) {
        String user = judgement.userHash();
        return user == null ? judgement.interactionId() : user;
    }

    private boolean comparable(Response chosen, Response rejected) {
        return !chosen.text().equals(rejected.text()) && !flagged.contains(chosen.text());
    }

    /** A flag on any reply of such a text to the prompt keeps all of them from being chosen. */
    static Set<String> flaggedTexts(RatedInteraction each) {
        Set<String> texts = new HashSet<>();
        for (Feedback judgement : each.judgements()) {
            if (judgement.signal() instanceof Flag) {
                texts.add(reply(each, judgement.choice()).text());
            }
        }
        return texts;
    }
}
