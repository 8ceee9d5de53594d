package dev.bellwether.stream.rollout;

import dev.bellwether.event.Arm;
import dev.bellwether.event.Event;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.PolicyScorecard.Exposures;
import dev.bellwether.event.RolloutCommand;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutState.Evidence;
import dev.bellwether.event.RolloutState.Phase;
import dev.bellwether.event.RolloutTransition;
import dev.bellwether.stream.rollout.RolloutConfig.Approval;
import dev.bellwether.stream.rollout.SequentialTest.Count;
import dev.bellwether.stream.rollout.SequentialTest.Side;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The states of a rollout and what moves it from one to the next: a pure function of state, command or scorecard, and
 * time.
 *
 * <p>Every combination of state and command has an answer; one that makes no sense changes nothing. A command counts
 * once, and abort is taken in every state.
 */
final class RolloutMachine {
    private static final double SAMPLE_RATIO_ALARM = 1_000;
    private static final int DECIDED_MAX = 50;
    private static final String MACHINE = "statistics";

    private final RolloutConfig config;

    RolloutMachine(RolloutConfig config) {
        this.config = config;
    }

    /** The state after a step; the transition when the phase, the step or the versions changed. */
    record Outcome(RolloutState state, Optional<RolloutTransition> transition) {}

    /** What {@code command} makes of {@code state}. */
    Outcome command(RolloutState state, RolloutCommand command, long now) {
        Long revision = command.revision();
        if (state.decided().contains(command.commandId())
                || (revision != null
                        && revision != state.revision()
                        && command.action() != RolloutCommand.Action.ABORT)) {
            return unchanged(state);
        }
        Builder next = new Builder(state, now).decided(command.commandId());
        String who = command.who();
        String why = command.why();
        String version = command.version();
        boolean running = state.candidate() != null;
        return switch (command.action()) {
            case REGISTER -> version == null ? next.quietly() : register(next, version, who, why);
            case START -> running ? next.quietly() : start(next, version, who, why);
            case PAUSE ->
                state.phase() == Phase.CANARY || state.phase() == Phase.AWAITING_APPROVAL
                        ? next.suspend(Phase.PAUSED, null).to(who, why, 0)
                        : next.quietly();
            case RESUME ->
                state.phase() == Phase.PAUSED || state.phase() == Phase.HELD
                        ? next.resume().to(who, why, 0)
                        : next.quietly();
            case APPROVE ->
                state.phase() == Phase.AWAITING_APPROVAL ? next.promote().to(who, why, 0) : next.quietly();
            case PROMOTE -> running ? next.promote().to(who, why, 0) : next.quietly();
            case ABORT ->
                running && (version == null || version.equals(state.candidate()))
                        ? next.end(Phase.ABORTED).to(who, why, 0)
                        : next.quietly();
            case FREEZE -> next.frozen(true).quietly();
            case UNFREEZE -> next.frozen(false).quietly();
        };
    }

    private Outcome register(Builder next, String version, String who, String why) {
        RolloutState state = next.state;
        boolean known = version.equals(state.champion())
                || version.equals(state.candidate())
                || state.waiting().contains(version);
        if (known) {
            return next.quietly();
        }
        return state.candidate() == null && !state.frozen()
                ? next.canary(version, config).to(who, why, 0)
                : next.waiting(version).quietly();
    }

    private Outcome start(Builder next, @Nullable String version, String who, String why) {
        String chosen = version != null
                ? version
                : next.state.waiting().isEmpty() ? null : next.state.waiting().getFirst();
        return chosen == null || chosen.equals(next.state.champion())
                ? next.quietly()
                : next.canary(chosen, config).to(who, why, 0);
    }

    /** What time and the latest {@code scorecard} of the running experiment make of {@code state}. */
    Outcome tick(RolloutState state, @Nullable PolicyScorecard scorecard, long now) {
        if (state.frozen()) {
            return unchanged(state);
        }
        if (state.candidate() == null) {
            return state.waiting().isEmpty()
                    ? unchanged(state)
                    : new Builder(state, now)
                            .canary(state.waiting().getFirst(), config)
                            .to(MACHINE, "its turn has come", 0);
        }
        Evidence evidence = scorecard == null ? state.evidence() : evidence(state.evidence(), scorecard);
        Builder next = new Builder(state, now).evidence(evidence);
        double alarm = 1 / config.alpha();
        if (evidence.harm() >= alarm) {
            return next.end(Phase.ROLLED_BACK).to(MACHINE, "it gets more down-votes", evidence.harm());
        }
        if (state.phase() != Phase.CANARY) {
            return evidenceOnly(state, next, evidence);
        }
        if (evidence.sampleRatio() >= SAMPLE_RATIO_ALARM) {
            return next.suspend(Phase.HELD, "users do not split by the share")
                    .to(MACHINE, "users do not split by the share", evidence.sampleRatio());
        }
        boolean last = state.step() + 1 >= config.steps().size();
        long inStep = now - state.since();
        if (!last) {
            boolean over = inStep >= config.steps().get(state.step()).hold().toMillis();
            if (over && exposed(scorecard)) {
                return next.step(config).to(MACHINE, "the step's time is over without harm", evidence.harm());
            }
            return inStep >= config.undecidedMax().toMillis()
                    ? next.suspend(Phase.HELD, "too little traffic").to(MACHINE, "no named user met it for too long", 0)
                    : evidenceOnly(state, next, evidence);
        }
        if (evidence.counted() >= config.countedMin()
                && evidence.nonInferiority() >= alarm
                && inStep >= config.steps().getLast().hold().toMillis()) {
            return config.approval() == Approval.AUTOMATIC
                    ? next.promote().to(MACHINE, "it is not worse", evidence.nonInferiority())
                    : next.awaiting().to(MACHINE, "it is not worse; an approval is needed", evidence.nonInferiority());
        }
        if (inStep >= config.undecidedMax().toMillis()) {
            return next.suspend(Phase.HELD, "undecided").to(MACHINE, "undecided for too long", 0);
        }
        return evidenceOnly(state, next, evidence);
    }

    private static boolean exposed(@Nullable PolicyScorecard scorecard) {
        return scorecard != null && scorecard.exposures().stream().anyMatch(each -> each.arm() == Arm.CANDIDATE);
    }

    private static Outcome evidenceOnly(RolloutState state, Builder next, Evidence evidence) {
        return evidence.equals(state.evidence()) ? unchanged(state) : next.sameRevision();
    }

    private Evidence evidence(Evidence before, PolicyScorecard scorecard) {
        List<Count> down = SequentialTest.downVotes(scorecard.votes());
        List<Count> exposed = exposures(scorecard.exposures());
        double ratio =
                .5 * (SequentialTest.eValue(exposed, 0, Side.LESS) + SequentialTest.eValue(exposed, 0, Side.GREATER));
        double margin = Math.log(config.nonInferiorityMargin());
        return new Evidence(
                Math.max(before.harm(), SequentialTest.eValue(down, 0, Side.GREATER)),
                Math.max(before.nonInferiority(), SequentialTest.eValue(down, margin, Side.LESS)),
                Math.max(before.superiority(), SequentialTest.eValue(down, 0, Side.LESS)),
                Math.max(before.sampleRatio(), ratio),
                down.stream()
                        .mapToLong(count -> count.candidate() + count.champion())
                        .sum());
    }

    private static List<Count> exposures(List<Exposures> exposures) {
        return exposures.stream()
                .map(Exposures::candidateShare)
                .distinct()
                .sorted()
                .map(share ->
                        new Count(share, users(exposures, share, Arm.CANDIDATE), users(exposures, share, Arm.CHAMPION)))
                .toList();
    }

    private static long users(List<Exposures> exposures, double share, Arm arm) {
        return exposures.stream()
                .filter(each -> each.candidateShare() == share && each.arm() == arm)
                .mapToLong(Exposures::users)
                .sum();
    }

    private static Outcome unchanged(RolloutState state) {
        return new Outcome(state, Optional.empty());
    }

    /** The next state, put together from the present one. */
    private static final class Builder {
        private final RolloutState state;
        private final long now;
        private String champion;
        private @Nullable String candidate;
        private @Nullable String previous;
        private Phase phase;
        private int step;
        private double share;
        private @Nullable String experiment;
        private boolean frozen;
        private long since;
        private long startedAt;
        private @Nullable String held;
        private @Nullable Phase resumesTo;
        private final List<String> waiting;
        private final List<String> decided;
        private Evidence evidence;

        private Builder(RolloutState state, long now) {
            this.state = state;
            this.now = now;
            this.champion = state.champion();
            this.candidate = state.candidate();
            this.previous = state.previous();
            this.phase = state.phase();
            this.step = state.step();
            this.share = state.candidateShare();
            this.experiment = state.experiment();
            this.frozen = state.frozen();
            this.since = state.since();
            this.startedAt = state.startedAt();
            this.held = state.held();
            this.resumesTo = state.resumesTo();
            this.waiting = new ArrayList<>(state.waiting());
            this.decided = new ArrayList<>(state.decided());
            this.evidence = state.evidence();
        }

        private Builder decided(String commandId) {
            decided.add(commandId);
            if (decided.size() > DECIDED_MAX) {
                decided.removeFirst();
            }
            return this;
        }

        private Builder evidence(Evidence value) {
            evidence = value;
            return this;
        }

        private Builder frozen(boolean value) {
            frozen = value;
            return this;
        }

        private Builder waiting(String version) {
            waiting.add(version);
            return this;
        }

        private Builder canary(String version, RolloutConfig config) {
            waiting.remove(version);
            candidate = version;
            phase = Phase.CANARY;
            step = 0;
            share = config.steps().getFirst().share();
            experiment = "%s-%d".formatted(version, now);
            since = now;
            startedAt = now;
            held = null;
            resumesTo = null;
            evidence = Evidence.NONE;
            return this;
        }

        private Builder step(RolloutConfig config) {
            step++;
            share = config.steps().get(step).share();
            since = now;
            return this;
        }

        private Builder awaiting() {
            phase = Phase.AWAITING_APPROVAL;
            since = now;
            return this;
        }

        private Builder suspend(Phase to, @Nullable String why) {
            resumesTo = phase;
            phase = to;
            held = why;
            return this;
        }

        private Builder resume() {
            phase = resumesTo == null ? Phase.CANARY : resumesTo;
            resumesTo = null;
            held = null;
            since = now;
            return this;
        }

        private Builder promote() {
            String promoted = candidate;
            if (promoted != null) {
                previous = champion;
                champion = promoted;
            }
            return end(Phase.PROMOTED);
        }

        private Builder end(Phase to) {
            phase = to;
            candidate = null;
            experiment = null;
            share = 0;
            step = 0;
            since = now;
            held = null;
            resumesTo = null;
            return this;
        }

        private RolloutState build() {
            return build(state.revision() + 1);
        }

        private RolloutState build(long revision) {
            return new RolloutState(
                    Event.SCHEMA,
                    state.bot(),
                    revision,
                    champion,
                    candidate,
                    previous,
                    phase,
                    step,
                    share,
                    experiment,
                    frozen,
                    since,
                    startedAt,
                    held,
                    resumesTo,
                    waiting,
                    decided,
                    evidence);
        }

        /** New evidence alone: no command that was given on the state before is out of date. */
        private Outcome sameRevision() {
            return new Outcome(build(state.revision()), Optional.empty());
        }

        private Outcome quietly() {
            return new Outcome(build(), Optional.empty());
        }

        private Outcome to(String who, String why, double eValue) {
            RolloutState next = build();
            String version = Optional.ofNullable(next.candidate()).orElse(state.candidate());
            return new Outcome(
                    next,
                    Optional.of(new RolloutTransition(
                            Event.SCHEMA,
                            next.bot(),
                            next.revision(),
                            now,
                            version,
                            state.phase(),
                            next.phase(),
                            next.candidateShare(),
                            who,
                            why,
                            eValue)));
        }
    }
}
