package dev.bellwether.stream.rollout;

import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.RolloutCommand;
import dev.bellwether.event.RolloutSettings;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutState.Anchor;
import dev.bellwether.event.RolloutState.Guardrail;
import dev.bellwether.event.RolloutState.Loads;
import dev.bellwether.event.RolloutState.Phase;
import dev.bellwether.event.RolloutState.Watch;
import dev.bellwether.event.RolloutStateBuilder;
import dev.bellwether.stream.rollout.RolloutMachine.Outcome;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a command makes of a rollout's state: a total table, in which every combination has one answer. One that makes no
 * sense changes nothing but the history. A command counts once, and abort is taken in every state.
 */
final class RolloutCommands {
    private static final int DECIDED_MAX = 50;
    private static final int GATEWAYS_MAX = 100;

    private final RolloutState state;
    private final RolloutCommand command;
    private final @Nullable PolicyScorecard scorecard;
    private final RolloutSettings settings;
    private final long now;

    private RolloutCommands(
            RolloutState state,
            RolloutCommand command,
            @Nullable PolicyScorecard scorecard,
            RolloutSettings settings,
            long now) {
        this.state = state;
        this.command = command;
        this.scorecard = scorecard;
        this.settings = settings;
        this.now = now;
    }

    /**
     * The state after {@code command}.
     *
     * @param scorecard of the running experiment; none when nothing runs, or nothing was counted
     * @param settings of rollouts that begin now
     */
    static Outcome apply(
            RolloutState state,
            RolloutCommand command,
            @Nullable PolicyScorecard scorecard,
            RolloutSettings settings,
            long now) {
        if (state.decided().contains(command.commandId())) {
            return Outcome.unchanged(state);
        }
        return new RolloutCommands(state, command, scorecard, settings, now).apply();
    }

    private Outcome apply() {
        Long revision = command.revision();
        if (revision != null && revision != state.revision() && command.action() != RolloutCommand.Action.ABORT) {
            return refused(
                    "it was given on revision %d, and the rollout is at %d".formatted(revision, state.revision()));
        }
        return switch (command.action()) {
            case REGISTER -> register();
            case START -> start();
            case PAUSE ->
                state.phase() == Phase.CANARY || state.phase() == Phase.AWAITING_APPROVAL
                        ? done(next().resumesTo(state.phase()).phase(Phase.PAUSED))
                        : refused("nothing runs that could pause");
            case RESUME ->
                state.phase() == Phase.PAUSED || state.phase() == Phase.HELD
                        ? done(resumed())
                        : refused("it is neither paused nor held");
            case APPROVE ->
                state.phase() == Phase.AWAITING_APPROVAL
                        ? done(RolloutMachine.promote(state, next(), now))
                        : refused("nothing waits for an approval");
            case PROMOTE ->
                running() ? done(RolloutMachine.promote(state, next(), now)) : refused("no version is being tried");
            case ABORT -> abort();
            case FREEZE -> done(next().frozen(true));
            case UNFREEZE -> done(next().frozen(false));
            case PIN -> pin();
            case UNPIN -> state.pinned() == null ? refused("no version is pinned") : done(next().pinned(null));
            case ANCHOR -> anchor();
            case LOADING, LOADED, UNLOADABLE -> loads();
        };
    }

    private boolean running() {
        return state.candidate() != null;
    }

    private RolloutStateBuilder next() {
        return state.change().decided(decided());
    }

    private List<String> decided() {
        List<String> decided = new ArrayList<>(state.decided());
        decided.add(command.commandId());
        return decided.subList(Math.max(0, decided.size() - DECIDED_MAX), decided.size());
    }

    private Outcome done(RolloutStateBuilder next) {
        return Outcome.of(state, next.decided(decided()), command.who(), command.why(), 0, now);
    }

    private Outcome refused(String why) {
        String what = "refused to %s: %s".formatted(command.action().name().toLowerCase(Locale.ROOT), why);
        return Outcome.of(state, next(), command.who(), what, 0, now);
    }

    private Outcome register() {
        String version = command.version();
        if (version == null) {
            return refused("no version is named");
        }
        if (version.equals(state.champion())
                || version.equals(state.candidate())
                || state.waiting().contains(version)) {
            return refused(version + " is known already");
        }
        if (!running() && !state.frozen() && state.phase() != Phase.ABORTED && state.pinned() == null) {
            return done(RolloutMachine.canary(state, version, settings, now));
        }
        String instead = state.waiting().isEmpty()
                ? ""
                : ", in the place of " + state.waiting().getFirst();
        return Outcome.of(
                state,
                next().waiting(List.of(version)),
                command.who(),
                "%s waits%s: %s".formatted(version, instead, command.why()),
                0,
                now);
    }

    private Outcome start() {
        String version = command.version();
        if (version == null && !state.waiting().isEmpty()) {
            version = state.waiting().getFirst();
        }
        if (running()) {
            return refused(state.candidate() + " is being tried");
        }
        if (state.pinned() != null) {
            return refused(state.pinned() + " is pinned");
        }
        if (version == null) {
            return refused("no version waits, and none is named");
        }
        return version.equals(state.champion())
                ? refused(version + " is the champion")
                : done(RolloutMachine.canary(state, version, settings, now));
    }

    /** Evidence of the kind that held it starts again from here. */
    private RolloutStateBuilder resumed() {
        Phase to = Optional.ofNullable(state.resumesTo()).orElse(Phase.CANARY);
        RolloutStateBuilder next = next().phase(to).resumesTo(null).held(null).since(now);
        Watch watch = Optional.ofNullable(state.watch()).orElse(Watch.NONE).from(now);
        next.watch(watch);
        PolicyScorecard card = scorecard;
        if (card != null && RolloutMachine.WRONG_SPLIT.equals(state.held())) {
            next.watch(new Watch(watch.heldMillis(), watch.watermark(), card.exposures(), watch.votesFrom()))
                    .evidence(Evidences.without(state.evidence(), Optional.empty()));
        } else if (card != null && RolloutMachine.FEWER_UP_VOTES.equals(state.held())) {
            next.watch(new Watch(watch.heldMillis(), watch.watermark(), watch.exposuresFrom(), card.votes()))
                    .evidence(Evidences.without(state.evidence(), Optional.of(Guardrail.FEWER_UP_VOTES)));
        }
        return next;
    }

    private Outcome abort() {
        String version = command.version();
        if (running() && (version == null || version.equals(state.candidate()))) {
            return done(RolloutMachine.end(next(), Phase.ABORTED, now));
        }
        boolean waits =
                version == null ? !state.waiting().isEmpty() : state.waiting().contains(version);
        return waits
                ? done(next().waiting(List.of()))
                : refused(version == null ? "nothing is being tried" : version + " is not being tried");
    }

    private Outcome pin() {
        String version = command.version();
        if (version == null) {
            return refused("no version is named");
        }
        return running()
                ? refused(state.candidate() + " is being tried; abort it first")
                : done(next().pinned(version));
    }

    private Outcome anchor() {
        String version = Optional.ofNullable(command.version()).orElse(state.champion());
        return settings.holdout() > 0
                ? done(next().anchor(new Anchor(version, now, settings.holdout()))
                        .longRun(null))
                : refused("the bot has no hold-out");
    }

    /** What a gateway says of a candidate that is no more is of no interest. */
    private Outcome loads() {
        String version = command.version();
        if (version == null || !version.equals(state.candidate())) {
            return Outcome.unchanged(state);
        }
        Loads before = Optional.ofNullable(state.loads()).orElse(new Loads(List.of(), Map.of(), List.of(), now));
        List<String> loading = new ArrayList<>(before.loading());
        List<String> loaded = new ArrayList<>(before.loaded());
        Map<String, String> unloadable = new HashMap<>(before.unloadable());
        loading.remove(command.who());
        loaded.remove(command.who());
        unloadable.remove(command.who());
        if (loading.size() + loaded.size() + unloadable.size() < GATEWAYS_MAX) {
            switch (command.action()) {
                case LOADING -> loading.add(command.who());
                case LOADED -> loaded.add(command.who());
                default -> unloadable.put(command.who(), command.why());
            }
        }
        Loads after = new Loads(loaded, unloadable, loading, before.since());
        // The same report twice changes nothing, so it takes no operator's command's place among those remembered.
        return Outcome.unchanged(state.change().loads(after).build());
    }
}
