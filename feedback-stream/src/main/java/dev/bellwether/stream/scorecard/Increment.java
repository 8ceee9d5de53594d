package dev.bellwether.stream.scorecard;

import dev.bellwether.event.Arm;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.PolicyScorecard.Events;
import dev.bellwether.event.PolicyScorecard.Exposures;
import dev.bellwether.event.PolicyScorecard.Kind;
import dev.bellwether.event.PolicyScorecard.Technical;
import dev.bellwether.event.PolicyScorecard.Votes;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What an observation adds to a scorecard.
 *
 * @param observation that it follows from
 * @param exposed whether the user was not known in the experiment before
 * @param met whether the user had not met it at this share
 * @param up whether it holds the user's first thumb up; {@code down} likewise
 * @param kinds what happened to the user for the first time
 */
record Increment(Observation observation, boolean exposed, boolean met, boolean up, boolean down, Set<Kind> kinds) {
    static Increment of(Observation now, Seen before, boolean exposed) {
        Set<Kind> first = EnumSet.noneOf(Kind.class);
        first.addAll(now.kinds());
        first.removeAll(before.kinds());
        if (now.leavesVotesOut()) {
            first.remove(Kind.VOTED);
        }
        if (before.counted()) {
            // One user's thumb and preference are not independent: whichever came first counts.
            first.remove(Kind.PREFERRED);
        }
        return new Increment(
                now,
                exposed,
                exposed || now.share() > before.share(),
                now.up() && !before.up(),
                now.down() && !before.down(),
                first);
    }

    /** Whether a scorecard is another with it. */
    boolean counts() {
        return exposed || met || up || down || !kinds.isEmpty();
    }

    PolicyScorecard addTo(PolicyScorecard card) {
        return new PolicyScorecard(
                card.schema(),
                card.bot(),
                card.experiment(),
                card.revision() + 1,
                exposed ? oneMore(card.exposures()) : card.exposures(),
                up || down ? votes(card.votes()) : card.votes(),
                technical(card.technical()),
                events(card.events()),
                met ? oneMore(card.met()) : card.met());
    }

    private boolean here(double share, Arm arm) {
        return share == observation.share() && arm == observation.arm();
    }

    private List<Exposures> oneMore(List<Exposures> before) {
        List<Exposures> after = new ArrayList<>(before);
        after.removeIf(each -> here(each.candidateShare(), each.arm()));
        long users = before.stream()
                .filter(each -> here(each.candidateShare(), each.arm()))
                .mapToLong(Exposures::users)
                .sum();
        after.add(new Exposures(observation.share(), observation.arm(), users + 1));
        return after;
    }

    private List<Votes> votes(List<Votes> before) {
        Votes known = before.stream()
                .filter(each -> here(each.candidateShare(), each.arm()))
                .findFirst()
                .orElse(new Votes(observation.share(), observation.arm(), 0, 0));
        List<Votes> after = new ArrayList<>(before);
        after.remove(known);
        after.add(new Votes(
                known.candidateShare(), known.arm(), known.up() + (up ? 1 : 0), known.down() + (down ? 1 : 0)));
        return after;
    }

    private List<Events> events(List<Events> before) {
        List<Events> after = new ArrayList<>(before);
        for (Kind kind : kinds) {
            Arm arm = arm(kind);
            Events known = before.stream()
                    .filter(each ->
                            each.kind() == kind && each.candidateShare() == observation.share() && each.arm() == arm)
                    .findFirst()
                    .orElse(new Events(observation.share(), arm, kind, 0));
            after.remove(known);
            after.add(new Events(known.candidateShare(), known.arm(), kind, known.users() + 1));
        }
        return after;
    }

    /** That a kind counts for. */
    private Arm arm(Kind kind) {
        Arm preferred = observation.preferred();
        return kind == Kind.PREFERRED && preferred != null ? preferred : observation.arm();
    }

    private Map<Arm, Technical> technical(Map<Arm, Technical> before) {
        Technical known = before.getOrDefault(observation.arm(), Technical.NONE);
        Map<Arm, Technical> after = new EnumMap<>(Arm.class);
        after.putAll(before);
        after.put(
                observation.arm(),
                new Technical(
                        known.served() + (exposed ? 1 : 0),
                        known.empty() + one(Kind.EMPTY),
                        known.overlong() + one(Kind.OVERLONG),
                        known.flagged() + one(Kind.FLAGGED)));
        return after;
    }

    private int one(Kind kind) {
        return kinds.contains(kind) ? 1 : 0;
    }
}
