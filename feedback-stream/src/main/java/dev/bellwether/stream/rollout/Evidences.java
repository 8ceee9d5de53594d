package dev.bellwether.stream.rollout;

import dev.bellwether.event.Arm;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.PolicyScorecard.Events;
import dev.bellwether.event.PolicyScorecard.Exposures;
import dev.bellwether.event.PolicyScorecard.Kind;
import dev.bellwether.event.PolicyScorecard.Votes;
import dev.bellwether.event.RolloutState.Evidence;
import dev.bellwether.event.RolloutState.Guardrail;
import dev.bellwether.event.RolloutState.Shown;
import dev.bellwether.event.RolloutState.Watch;
import dev.bellwether.stream.rollout.SequentialTest.Count;
import dev.bellwether.stream.rollout.SequentialTest.Side;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;

/**
 * The e-values of a scorecard, and which of them alarm.
 *
 * <p>The false-alarm rate α of a rollout is split: half of it goes to down-votes, the other half in equal parts to the
 * guardrails, so that all of them together raise a false alarm in at most the share α of rollouts.
 */
final class Evidences {
    /** What ends a rollout, with what it is called. */
    static final Map<Guardrail, String> HARMS = harms();

    private static final double CONFIDENCE_ALPHA = .05;

    /** In a duel both arms reply, whatever the candidate's share. */
    private static final double DUEL_SHARE = .5;

    /** What happened is four times likelier of a candidate that is worse by the margin than of better ones. */
    private static final double AGAINST = .25;

    private Evidences() {}

    private static Map<Guardrail, String> harms() {
        Map<Guardrail, String> harms = new EnumMap<>(Guardrail.class);
        harms.put(Guardrail.FLAGGED, "it is flagged more");
        harms.put(Guardrail.FAILED, "it fails more");
        harms.put(Guardrail.SLOW, "it is slow for more users");
        harms.put(Guardrail.EMPTY, "it gives more empty replies");
        harms.put(Guardrail.OVERLONG, "more of its replies are cut at the longest length");
        harms.put(Guardrail.REPEATED, "more of its replies repeat themselves");
        harms.put(Guardrail.LOSES_DUELS, "users prefer the champion's replies to its");
        return Collections.unmodifiableMap(harms);
    }

    static double harmAlarm(double alpha) {
        return 2 / alpha;
    }

    /** Of the harms, lost duels among them, and of fewer up-votes. */
    static double guardrailAlarm(double alpha) {
        return 2 * (HARMS.size() + 1) / alpha;
    }

    /**
     * A version that is tried again has a smaller chance each time to pass by luck: α, α/4, α/8, …, together at most
     * 1.5 α.
     */
    static double promotionAlarm(double alpha, int attempt) {
        return (attempt <= 1 ? 1 : Math.pow(2, attempt)) / alpha;
    }

    /** The largest e-values so far, by {@code scorecard} and before. */
    static Evidence of(Evidence before, PolicyScorecard scorecard, Watch watch, double margin) {
        List<Count> down = votes(scorecard.votes(), Votes::down);
        List<Count> exposed = exposures(scorecard.exposures(), watch.exposuresFrom());
        List<Count> up = less(votes(scorecard.votes(), Votes::up), votes(watch.votesFrom(), Votes::up));
        List<Count> duels = duels(scorecard);
        Map<Guardrail, Double> guardrails = new HashMap<>();
        for (Guardrail guardrail : Guardrail.values()) {
            double now = switch (guardrail) {
                case FLAGGED -> harm(scorecard, Kind.FLAGGED);
                case FAILED -> harm(scorecard, Kind.FAILED);
                case SLOW -> harm(scorecard, Kind.SLOW);
                case EMPTY -> harm(scorecard, Kind.EMPTY);
                case OVERLONG -> harm(scorecard, Kind.OVERLONG);
                case REPEATED -> harm(scorecard, Kind.REPEATED);
                case FEWER_UP_VOTES -> SequentialTest.eValue(up, 0, Side.LESS);
                case LOSES_DUELS -> SequentialTest.eValue(duels, 0, Side.LESS);
                case OTHER_VOTERS -> SequentialTest.twoSided(events(scorecard, Kind.VOTED), 0);
            };
            double most = Math.max(before.of(guardrail), now);
            if (most > 1) {
                guardrails.put(guardrail, most);
            }
        }
        return new Evidence(
                Math.max(before.harm(), SequentialTest.eValue(down, 0, Side.GREATER)),
                Math.max(before.nonInferiority(), byVotes(down, margin) * byDuels(duels, margin)),
                Math.max(before.superiority(), byVotes(down, 1) * byDuels(duels, 1)),
                Math.max(before.sampleRatio(), SequentialTest.twoSided(exposed, 0)),
                Stream.concat(down.stream(), duels.stream())
                        .mapToLong(count -> count.candidate() + count.champion())
                        .sum(),
                guardrails);
    }

    /**
     * What speaks against a candidate that is better by the other kind of evidence; none where nothing does. A user is counted
     * in one of the two, so that the product of their e-values is one against a candidate that is worse in both; it says nothing
     * of one that is worse in one of them.
     */
    static Optional<String> against(PolicyScorecard scorecard, double margin) {
        if (byVotes(votes(scorecard.votes(), Votes::down), margin) < AGAINST) {
            return Optional.of("down-votes speak against it");
        }
        return byDuels(duels(scorecard), margin) < AGAINST
                ? Optional.of("duels between the arms speak against it")
                : Optional.empty();
    }

    /** Evidence that the candidate gets fewer down-votes than {@code margin} times the champion's. */
    private static double byVotes(List<Count> down, double margin) {
        return SequentialTest.eValue(down, Math.log(margin), Side.LESS);
    }

    /** Evidence that it is preferred at better odds than 1 to {@code margin}. */
    private static double byDuels(List<Count> duels, double margin) {
        return SequentialTest.eValue(duels, -Math.log(margin), Side.GREATER);
    }

    /** Which arm's reply users preferred. */
    private static List<Count> duels(PolicyScorecard scorecard) {
        long candidate = preferred(scorecard, Arm.CANDIDATE);
        long champion = preferred(scorecard, Arm.CHAMPION);
        return List.of(new Count(DUEL_SHARE, candidate, champion));
    }

    private static long preferred(PolicyScorecard scorecard, Arm arm) {
        return scorecard.events().stream()
                .filter(each -> each.kind() == Kind.PREFERRED && each.arm() == arm)
                .mapToLong(Events::users)
                .sum();
    }

    /** Without what was seen by one guardrail; by none named, without that users split wrongly. */
    static Evidence without(Evidence evidence, Optional<Guardrail> guardrail) {
        Map<Guardrail, Double> guardrails = new HashMap<>(evidence.guardrails());
        guardrail.ifPresent(guardrails::remove);
        return new Evidence(
                evidence.harm(),
                evidence.nonInferiority(),
                evidence.superiority(),
                guardrail.isPresent() ? evidence.sampleRatio() : 1,
                evidence.counted(),
                guardrails);
    }

    private static double harm(PolicyScorecard scorecard, Kind kind) {
        return SequentialTest.eValue(events(scorecard, kind), 0, Side.GREATER);
    }

    private static List<Count> events(PolicyScorecard scorecard, Kind kind) {
        return counts(
                scorecard.events().stream().filter(each -> each.kind() == kind).toList(),
                Events::candidateShare,
                Events::arm,
                Events::users);
    }

    private static List<Count> votes(List<Votes> votes, ToLongFunction<Votes> which) {
        return counts(votes, Votes::candidateShare, Votes::arm, which);
    }

    private static List<Count> exposures(List<Exposures> all, List<Exposures> leftOut) {
        return less(
                counts(all, Exposures::candidateShare, Exposures::arm, Exposures::users),
                counts(leftOut, Exposures::candidateShare, Exposures::arm, Exposures::users));
    }

    private static <T> List<Count> counts(
            List<T> rows, Function<T, Double> share, Function<T, Arm> arm, ToLongFunction<T> users) {
        Map<Double, Count> counts = new TreeMap<>();
        for (T row : rows) {
            boolean candidate = arm.apply(row) == Arm.CANDIDATE;
            long count = users.applyAsLong(row);
            counts.merge(
                    share.apply(row),
                    new Count(share.apply(row), candidate ? count : 0, candidate ? 0 : count),
                    (one, other) -> new Count(
                            one.share(), one.candidate() + other.candidate(), one.champion() + other.champion()));
        }
        return List.copyOf(counts.values());
    }

    private static List<Count> less(List<Count> all, List<Count> leftOut) {
        List<Count> rest = new ArrayList<>();
        for (Count count : all) {
            Count out = leftOut.stream()
                    .filter(each -> each.share() == count.share())
                    .findFirst()
                    .orElse(new Count(count.share(), 0, 0));
            rest.add(new Count(count.share(), count.candidate() - out.candidate(), count.champion() - out.champion()));
        }
        return rest;
    }

    /** What is shown of a scorecard. */
    static Shown shown(PolicyScorecard scorecard, boolean comparable) {
        double[] rate = SequentialTest.confidence(votes(scorecard.votes(), Votes::down), CONFIDENCE_ALPHA);
        Posterior posterior = Posterior.of(scorecard.votes());
        return new Shown(List.of(rate[0], rate[1]), posterior.better(), posterior.expectedLoss(), comparable);
    }
}
