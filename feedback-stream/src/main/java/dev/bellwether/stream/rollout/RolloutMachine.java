package dev.bellwether.stream.rollout;

import dev.bellwether.event.Arm;
import dev.bellwether.event.Event;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.PolicyScorecard.Exposures;
import dev.bellwether.event.RolloutSettings;
import dev.bellwether.event.RolloutSettings.Approval;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutState.Evidence;
import dev.bellwether.event.RolloutState.Guardrail;
import dev.bellwether.event.RolloutState.Loads;
import dev.bellwether.event.RolloutState.Phase;
import dev.bellwether.event.RolloutState.Shown;
import dev.bellwether.event.RolloutState.Watch;
import dev.bellwether.event.RolloutStateBuilder;
import dev.bellwether.event.RolloutTransition;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the statistics make of a rollout's state: a pure function of state, scorecard and time. What operators make of it
 * is in {@link RolloutCommands}.
 */
final class RolloutMachine {
    static final String MACHINE = "statistics";
    static final String WRONG_SPLIT = "users do not split by the share";
    static final String FEWER_UP_VOTES = "it gets fewer up-votes";

    private static final double SAMPLE_RATIO_ALARM = 1_000;

    /** Of the time between two users so much counts: more, and an outage would pass for traffic. */
    private static final Duration GAP_MAX = Duration.ofMinutes(1);

    /** Gateways have so long to say whether they serve the candidate or load it, before those that cannot decide. */
    private static final Duration LOADS_WITHIN = Duration.ofSeconds(5);

    /** One that says so long that it loads is not waited for. */
    private static final Duration LOADING_MAX = Duration.ofMinutes(10);

    private RolloutMachine() {}

    /** The state after a step, and for the history what it was, if anything. */
    record Outcome(RolloutState state, Optional<RolloutTransition> transition) {
        static Outcome unchanged(RolloutState state) {
            return new Outcome(state, Optional.empty());
        }

        /** A new revision with an entry in the history. */
        static Outcome of(
                RolloutState before, RolloutStateBuilder next, String who, String why, double eValue, long now) {
            RolloutState after = next.revision(before.revision() + 1).build();
            String version = Optional.ofNullable(after.candidate()).orElse(before.candidate());
            return new Outcome(
                    after,
                    Optional.of(new RolloutTransition(
                            Event.SCHEMA,
                            after.bot(),
                            after.revision(),
                            now,
                            version,
                            before.phase(),
                            after.phase(),
                            after.candidateShare(),
                            who,
                            why,
                            eValue)));
        }
    }

    /** A scorecard of the running experiment has come, of records until {@code eventTime}: so far users came. */
    static RolloutState seen(RolloutState state, long eventTime) {
        Watch watch = state.watch();
        if (watch == null || eventTime <= watch.watermark()) {
            return state;
        }
        long passed = watch.watermark() == 0 ? 0 : Math.min(eventTime - watch.watermark(), GAP_MAX.toMillis());
        long counted = state.phase() == Phase.CANARY ? passed : 0;
        return state.change()
                .watch(new Watch(watch.heldMillis() + counted, eventTime, watch.exposuresFrom(), watch.votesFrom()))
                .build();
    }

    /** What time and {@code scorecard} of the running experiment make of {@code state}. */
    static Outcome tick(RolloutState state, @Nullable PolicyScorecard scorecard, RolloutSettings now, long millis) {
        if (state.frozen()) {
            return Outcome.unchanged(state);
        }
        String candidate = state.candidate();
        if (candidate == null) {
            boolean starts = !state.waiting().isEmpty() && state.phase() != Phase.ABORTED && state.pinned() == null;
            return starts
                    ? Outcome.of(
                            state,
                            canary(state, state.waiting().getFirst(), now, millis),
                            MACHINE,
                            "its turn has come",
                            0,
                            millis)
                    : Outcome.unchanged(state);
        }
        RolloutSettings settings = settings(state, now);
        Evidence evidence = scorecard == null
                ? state.evidence()
                : Evidences.of(state.evidence(), scorecard, watch(state), settings.nonInferiorityMargin());
        RolloutStateBuilder next = state.change().evidence(evidence);
        Optional<Outcome> alarm = alarm(state, next, evidence, settings, millis);
        if (alarm.isPresent()) {
            return alarm.get();
        }
        if (state.phase() == Phase.CANARY) {
            Optional<Outcome> moved = move(state, next, evidence, scorecard, settings, millis);
            if (moved.isPresent()) {
                return moved.get();
            }
        }
        if (evidence.equals(state.evidence())) {
            return Outcome.unchanged(state);
        }
        // New evidence alone: no command that was given on the state before is out of date.
        Shown shown = scorecard == null ? state.shown() : Evidences.shown(scorecard, comparable(evidence, settings));
        return Outcome.unchanged(next.shown(shown).build());
    }

    static RolloutSettings settings(RolloutState state, RolloutSettings now) {
        RolloutSettings kept = state.settings();
        return kept == null ? now : kept;
    }

    private static Watch watch(RolloutState state) {
        Watch watch = state.watch();
        return watch == null ? Watch.NONE : watch;
    }

    /** What ends a rollout in whatever phase it is. */
    private static Optional<Outcome> alarm(
            RolloutState state, RolloutStateBuilder next, Evidence evidence, RolloutSettings settings, long now) {
        if (evidence.harm() >= Evidences.harmAlarm(settings.alpha())) {
            return Optional.of(Outcome.of(
                    state,
                    end(next, Phase.ROLLED_BACK, now),
                    MACHINE,
                    "it gets more down-votes",
                    evidence.harm(),
                    now));
        }
        for (Guardrail guardrail : Evidences.HARMS.keySet()) {
            if (evidence.of(guardrail) >= Evidences.guardrailAlarm(settings.alpha())) {
                return Optional.of(Outcome.of(
                        state,
                        end(next, Phase.ROLLED_BACK, now),
                        MACHINE,
                        Evidences.HARMS.get(guardrail),
                        evidence.of(guardrail),
                        now));
            }
        }
        Loads loads = state.loads();
        if (loads != null && refused(loads, now - loads.since())) {
            String why = "cannot be loaded: "
                    + loads.unloadable().values().iterator().next();
            return Optional.of(Outcome.of(state, end(next, Phase.ABORTED, now), "gateway", why, 0, now));
        }
        return Optional.empty();
    }

    /** Whether more gateways cannot load the candidate than can, or may still. */
    private static boolean refused(Loads loads, long millis) {
        int others = loads.loaded().size()
                + (millis < LOADING_MAX.toMillis() ? loads.loading().size() : 0);
        return millis >= LOADS_WITHIN.toMillis() && loads.unloadable().size() > others;
    }

    private static Optional<Outcome> move(
            RolloutState state,
            RolloutStateBuilder next,
            Evidence evidence,
            @Nullable PolicyScorecard scorecard,
            RolloutSettings settings,
            long now) {
        if (evidence.sampleRatio() >= SAMPLE_RATIO_ALARM) {
            return Optional.of(held(state, next, WRONG_SPLIT, WRONG_SPLIT, evidence.sampleRatio(), now));
        }
        double fewerUps = evidence.of(Guardrail.FEWER_UP_VOTES);
        if (fewerUps >= Evidences.guardrailAlarm(settings.alpha())) {
            return Optional.of(held(state, next, FEWER_UP_VOTES, FEWER_UP_VOTES, fewerUps, now));
        }
        Duration hold = settings.steps().get(state.step()).hold();
        boolean over = watch(state).heldMillis() >= hold.toMillis()
                && met(scorecard, state.candidateShare(), Arm.CANDIDATE) >= settings.exposuresMin()
                && met(scorecard, state.candidateShare(), Arm.CHAMPION) >= settings.exposuresMin();
        boolean late = now - state.since() >= settings.undecidedMax().toMillis();
        if (state.step() + 1 < settings.steps().size()) {
            if (over) {
                return Optional.of(Outcome.of(
                        state,
                        step(state, next, settings, now),
                        MACHINE,
                        "the step's time is over without harm",
                        evidence.harm(),
                        now));
            }
            return late
                    ? Optional.of(held(state, next, "too little traffic", "too few named users for too long", 0, now))
                    : Optional.empty();
        }
        Optional<String> against = Optional.ofNullable(scorecard)
                .flatMap(card -> Evidences.against(card, settings.nonInferiorityMargin()));
        if (over
                && evidence.counted() >= settings.countedMin()
                && evidence.nonInferiority() >= Evidences.promotionAlarm(settings.alpha(), attempts(state))
                && against.isEmpty()) {
            return Optional.of(promoted(state, next, evidence, settings, now));
        }
        String held = over ? against.orElse("undecided") : "too little traffic";
        return late ? Optional.of(held(state, next, held, "undecided for too long", 0, now)) : Optional.empty();
    }

    /** Users whom an arm has met at a share. */
    static long met(@Nullable PolicyScorecard scorecard, double share, Arm arm) {
        return scorecard == null
                ? 0
                : scorecard.met().stream()
                        .filter(each -> each.candidateShare() == share && each.arm() == arm)
                        .mapToLong(Exposures::users)
                        .sum();
    }

    private static int attempts(RolloutState state) {
        return state.attempts().getOrDefault(String.valueOf(state.candidate()), 1);
    }

    private static boolean comparable(Evidence evidence, RolloutSettings settings) {
        return evidence.of(Guardrail.OTHER_VOTERS) < 1 / settings.alpha();
    }

    private static Outcome promoted(
            RolloutState state, RolloutStateBuilder next, Evidence evidence, RolloutSettings settings, long now) {
        if (!comparable(evidence, settings)) {
            return Outcome.of(
                    state,
                    next.phase(Phase.AWAITING_APPROVAL).since(now),
                    MACHINE,
                    "it is not worse, but other users vote, so that votes are not comparable; an approval is needed",
                    evidence.nonInferiority(),
                    now);
        }
        return settings.approval() == Approval.AUTOMATIC
                ? Outcome.of(
                        state, promote(state, next, now), MACHINE, "it is not worse", evidence.nonInferiority(), now)
                : Outcome.of(
                        state,
                        next.phase(Phase.AWAITING_APPROVAL).since(now),
                        MACHINE,
                        "it is not worse; an approval is needed",
                        evidence.nonInferiority(),
                        now);
    }

    private static Outcome held(
            RolloutState state, RolloutStateBuilder next, String held, String why, double eValue, long now) {
        return Outcome.of(state, next.resumesTo(state.phase()).phase(Phase.HELD).held(held), MACHINE, why, eValue, now);
    }

    private static RolloutStateBuilder step(
            RolloutState state, RolloutStateBuilder next, RolloutSettings settings, long now) {
        Watch watch = watch(state);
        return next.step(state.step() + 1)
                .candidateShare(settings.steps().get(state.step() + 1).share())
                .watch(watch.from(now).held(0))
                .since(now);
    }

    /** A rollout of {@code version} begins. */
    static RolloutStateBuilder canary(RolloutState state, String version, RolloutSettings settings, long now) {
        return state.change()
                .waiting(state.waiting().stream()
                        .filter(each -> !each.equals(version))
                        .toList())
                .candidate(version)
                .phase(Phase.CANARY)
                .step(0)
                .candidateShare(settings.steps().getFirst().share())
                .experiment("%s-%d".formatted(version, now))
                .since(now)
                .startedAt(now)
                .held(null)
                .resumesTo(null)
                .evidence(Evidence.NONE)
                .settings(settings)
                .watch(Watch.NONE)
                .loads(null)
                .shown(null)
                .attempts(Attempts.with(state.attempts(), version));
    }

    /** The candidate becomes the champion; the hold-out, when there is none yet, stays on the one before. */
    static RolloutStateBuilder promote(RolloutState state, RolloutStateBuilder next, long now) {
        String promoted = state.candidate();
        if (promoted != null) {
            RolloutSettings settings = settings(state, RolloutSettings.defaults());
            next.previous(state.champion()).champion(promoted);
            if (state.anchor() == null && settings.holdout() > 0) {
                next.anchor(new RolloutState.Anchor(state.champion(), now, settings.holdout()));
            }
        }
        return end(next, Phase.PROMOTED, now);
    }

    static RolloutStateBuilder end(RolloutStateBuilder next, Phase to, long now) {
        return next.phase(to)
                .candidate(null)
                .experiment(null)
                .candidateShare(0)
                .step(0)
                .since(now)
                .held(null)
                .resumesTo(null)
                .settings(null)
                .watch(null)
                .loads(null)
                .shown(null);
    }
}
