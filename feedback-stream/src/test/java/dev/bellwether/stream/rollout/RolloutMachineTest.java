package dev.bellwether.stream.rollout;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.event.Arm;
import dev.bellwether.event.Event;
import dev.bellwether.event.PolicyScorecard.Kind;
import dev.bellwether.event.RolloutCommand;
import dev.bellwether.event.RolloutCommand.Action;
import dev.bellwether.event.RolloutSettings;
import dev.bellwether.event.RolloutSettings.Approval;
import dev.bellwether.event.RolloutSettings.Step;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutState.Guardrail;
import dev.bellwether.event.RolloutState.Phase;
import dev.bellwether.stream.rollout.RolloutMachine.Outcome;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RolloutMachineTest {
    private static final RolloutSettings SETTINGS =
            settings(Approval.AUTOMATIC, new Step(.1, Duration.ofSeconds(10)), new Step(.5, Duration.ZERO));
    private static final long MINUTE = 60_000;

    private int commands;

    private static RolloutSettings settings(Approval approval, Step... steps) {
        return new RolloutSettings(
                List.of(steps), approval, .05, 1.25, 30, 20, Duration.ofHours(1), Duration.ofSeconds(3), .02);
    }

    private RolloutCommand command(Action action, @Nullable String version) {
        return new RolloutCommand(Event.SCHEMA, "c" + commands++, "support", action, version, null, "ann", "why", 0);
    }

    private Outcome give(RolloutState state, Action action, @Nullable String version) {
        return RolloutCommands.apply(state, command(action, version), null, SETTINGS, 1_000);
    }

    private RolloutState canary() {
        return give(RolloutState.idle("support", "v1"), Action.REGISTER, "v2").state();
    }

    /** After enough time with users, by their clock. */
    private static RolloutState held(RolloutState state) {
        RolloutState seen = RolloutMachine.seen(state, 1);
        return RolloutMachine.seen(seen, 1 + MINUTE);
    }

    private static Outcome tick(RolloutState state, @Nullable Cards cards, long now) {
        return RolloutMachine.tick(state, cards == null ? null : cards.of(state), SETTINGS, now);
    }

    private static Cards users(double share, long users) {
        return new Cards()
                .met(share, Arm.CANDIDATE, Math.round(users * share))
                .met(share, Arm.CHAMPION, Math.round(users * (1 - share)));
    }

    @Test
    void goesThroughItsStepsAndPromotesWhatIsNotWorse() {
        RolloutState state = held(canary());
        state = tick(state, users(.1, 200), 11_000).state();
        assertThat(state.step()).isEqualTo(1);
        assertThat(state.candidateShare()).isEqualTo(.5);
        Cards cards = users(.1, 200)
                .met(.5, Arm.CANDIDATE, 50)
                .met(.5, Arm.CHAMPION, 50)
                .down(.5, Arm.CANDIDATE, 4)
                .down(.5, Arm.CHAMPION, 8);
        assertThat(tick(state, cards, 12_000).state().phase())
                .as("too few counted")
                .isEqualTo(Phase.CANARY);
        cards.down(.5, Arm.CANDIDATE, 11).down(.5, Arm.CHAMPION, 22);
        Outcome promoted = tick(state, cards, 13_000);
        assertThat(promoted.state().phase()).isEqualTo(Phase.PROMOTED);
        assertThat(promoted.state().champion()).isEqualTo("v2");
        assertThat(promoted.state().previous()).isEqualTo("v1");
        assertThat(promoted.state().anchor()).isEqualTo(new RolloutState.Anchor("v1", 13_000, .02));
        assertThat(promoted.transition()).hasValueSatisfying(transition -> {
            assertThat(transition.version()).isEqualTo("v2");
            assertThat(transition.eValue()).isGreaterThan(20);
        });
    }

    @Test
    void countsOnlyTimeInWhichUsersCome() {
        RolloutState state = RolloutMachine.seen(canary(), 1_000);
        // Nobody for a day, or the brokers were away: what comes then is one minute later.
        state = RolloutMachine.seen(state, 1_000 + Duration.ofDays(1).toMillis());
        assertThat(state.watch()).hasFieldOrPropertyWithValue("heldMillis", MINUTE);
        RolloutState hour = RolloutMachine.seen(state, Duration.ofDays(1).toMillis() + 31_000);
        assertThat(hour.watch()).hasFieldOrPropertyWithValue("heldMillis", MINUTE + 30_000);
        assertThat(RolloutMachine.seen(hour, 5_000)).as("a late record").isEqualTo(hour);
    }

    /** After an outage the stream reads what was served before the step, at the share of then. */
    @Test
    void countsNoTimeFromBeforeTheStep() {
        long now = Duration.ofDays(2).toMillis();
        RolloutState state = held(canary());
        state = tick(state, users(.1, 400), now).state();
        assertThat(state.step()).isEqualTo(1);
        for (long time = 10_000; time < now; time += MINUTE) {
            state = RolloutMachine.seen(state, time);
        }
        assertThat(state.watch()).hasFieldOrPropertyWithValue("heldMillis", 0L);
        assertThat(RolloutMachine.seen(state, now + 1_000).watch()).hasFieldOrPropertyWithValue("heldMillis", 1_000L);
    }

    @Test
    void takesNoStepWithoutTheTimeAndTheUsersOfBothArms() {
        long late = Duration.ofMinutes(59).toMillis();
        assertThat(tick(canary(), users(.1, 400), late).state().step())
                .as("no time with users, whatever the clock says")
                .isZero();
        RolloutState held = held(canary());
        assertThat(tick(held, null, late).state().step()).isZero();
        assertThat(tick(held, new Cards().met(.1, Arm.CHAMPION, 500).met(.1, Arm.CANDIDATE, 19), late)
                        .state()
                        .step())
                .as("19 of 20 users")
                .isZero();
        assertThat(tick(held, users(.1, 200), late).state().step()).isEqualTo(1);
    }

    @Test
    void rollsBackWhatGetsMoreDownVotes() {
        Cards cards = users(.1, 200).down(.1, Arm.CANDIDATE, 14).down(.1, Arm.CHAMPION, 10);
        Outcome outcome = tick(canary(), cards, 1_000);
        assertThat(outcome.state().phase()).isEqualTo(Phase.ROLLED_BACK);
        assertThat(outcome.state().champion()).isEqualTo("v1");
        assertThat(outcome.state().candidateShare()).isZero();
    }

    @Test
    void rollsBackAtTheFirstStepWhatFailsOrIsSlowForAThirdOfItsUsers() {
        RolloutSettings defaults = RolloutSettings.defaults();
        for (Kind kind : List.of(Kind.FAILED, Kind.SLOW, Kind.EMPTY, Kind.OVERLONG, Kind.REPEATED, Kind.FLAGGED)) {
            RolloutState state = RolloutCommands.apply(
                            RolloutState.idle("support", "v1"), command(Action.REGISTER, "v2"), null, defaults, 0)
                    .state();
            // 1 % of 6 000 users; the champion fails one in a thousand.
            Cards cards =
                    users(.01, 6_000).happened(.01, Arm.CANDIDATE, kind, 18).happened(.01, Arm.CHAMPION, kind, 6);
            Outcome outcome = RolloutMachine.tick(state, cards.of(state), defaults, 1_000);
            assertThat(outcome.state().phase()).as("%s", kind).isEqualTo(Phase.ROLLED_BACK);
            assertThat(outcome.transition().orElseThrow().why())
                    .isEqualTo(Evidences.HARMS.get(Guardrail.valueOf(kind.name())));
        }
    }

    @Test
    void holdsWhenUsersDoNotSplitByTheShareAndStartsThatEvidenceAgainWhenResumed() {
        RolloutState state = canary();
        Cards skewed = new Cards().met(.1, Arm.CANDIDATE, 100).met(.1, Arm.CHAMPION, 200);
        RolloutState held = tick(state, skewed, 1_000).state();
        assertThat(held.phase()).isEqualTo(Phase.HELD);
        assertThat(held.held()).isEqualTo(RolloutMachine.WRONG_SPLIT);
        assertThat(held.candidateShare()).isEqualTo(.1);
        RolloutState resumed = RolloutCommands.apply(
                        held, command(Action.RESUME, null), skewed.of(held), SETTINGS, 2_000)
                .state();
        assertThat(resumed.phase()).isEqualTo(Phase.CANARY);
        assertThat(tick(resumed, skewed, 3_000).state().phase()).isEqualTo(Phase.CANARY);
        skewed.met(.1, Arm.CANDIDATE, 10).met(.1, Arm.CHAMPION, 90);
        assertThat(tick(resumed, skewed, 4_000).state().phase()).isEqualTo(Phase.CANARY);
        skewed.met(.1, Arm.CANDIDATE, 90).met(.1, Arm.CHAMPION, 100);
        assertThat(tick(resumed, skewed, 5_000).state().phase()).isEqualTo(Phase.HELD);
    }

    @Test
    void holdsWhatGetsFewerUpVotes() {
        Cards cards = users(.5, 2_000).up(.5, Arm.CANDIDATE, 20).up(.5, Arm.CHAMPION, 100);
        RolloutState held = tick(canary(), cards, 1_000).state();
        assertThat(held.phase()).isEqualTo(Phase.HELD);
        assertThat(held.held()).isEqualTo(RolloutMachine.FEWER_UP_VOTES);
        RolloutState resumed = RolloutCommands.apply(
                        held, command(Action.RESUME, null), cards.of(held), SETTINGS, 2_000)
                .state();
        assertThat(tick(resumed, cards, 3_000).state().phase()).isEqualTo(Phase.CANARY);
    }

    @Test
    void holdsWhatNobodyMeets() {
        RolloutState state = canary();
        assertThat(tick(state, null, 3_600_000).state().phase()).isEqualTo(Phase.CANARY);
        RolloutState held = tick(state, null, 3_601_000).state();
        assertThat(held.phase()).isEqualTo(Phase.HELD);
        assertThat(held.held()).isEqualTo("too little traffic");
        assertThat(held.champion()).isEqualTo("v1");
    }

    private RolloutState lastStep(RolloutSettings settings) {
        RolloutState state = RolloutCommands.apply(
                        RolloutState.idle("support", "v1"), command(Action.REGISTER, "v2"), null, settings, 0)
                .state();
        return held(state);
    }

    private static Cards better() {
        return users(.5, 200).down(.5, Arm.CANDIDATE, 15).down(.5, Arm.CHAMPION, 33);
    }

    @Test
    void waitsForApprovalWhereItIsRequired() {
        RolloutState state = lastStep(settings(Approval.REQUIRED, new Step(.5, Duration.ZERO)));
        state = tick(state, better(), 1_000).state();
        assertThat(state.phase()).isEqualTo(Phase.AWAITING_APPROVAL);
        assertThat(give(state, Action.APPROVE, null).state().champion()).isEqualTo("v2");
    }

    @Test
    void asksForAnApprovalWhenOtherUsersVote() {
        RolloutState state = lastStep(settings(Approval.AUTOMATIC, new Step(.5, Duration.ZERO)));
        Cards cards = better().happened(.5, Arm.CANDIDATE, Kind.VOTED, 20).happened(.5, Arm.CHAMPION, Kind.VOTED, 80);
        Outcome outcome = tick(state, cards, 1_000);
        assertThat(outcome.state().phase()).isEqualTo(Phase.AWAITING_APPROVAL);
        assertThat(outcome.transition().orElseThrow().why()).contains("other users vote");
        assertThat(Evidences.shown(cards.of(state), false).comparable()).isFalse();
    }

    @Test
    void asksMoreOfAVersionThatIsTriedAgain() {
        RolloutSettings settings = settings(Approval.AUTOMATIC, new Step(.5, Duration.ZERO));
        RolloutState state = lastStep(settings);
        assertThat(tick(state, better(), 1_000).state().phase()).isEqualTo(Phase.PROMOTED);
        RolloutState aborted = give(state, Action.ABORT, null).state();
        RolloutState again = held(RolloutCommands.apply(aborted, command(Action.START, "v2"), null, settings, 2_000)
                .state());
        assertThat(again.attempts()).containsEntry("v2", 2);
        assertThat(tick(again, better(), 3_000).state().phase()).isEqualTo(Phase.CANARY);
    }

    @Test
    void rollsBackForHarmInEveryPhaseThatHasACandidate() {
        RolloutState canary = canary();
        for (Phase phase : List.of(Phase.PAUSED, Phase.HELD, Phase.AWAITING_APPROVAL)) {
            RolloutState state = canary.change().phase(phase).build();
            Cards cards = users(.1, 200).down(.1, Arm.CANDIDATE, 14).down(.1, Arm.CHAMPION, 10);
            assertThat(tick(state, cards, 1_000).state().phase())
                    .as("%s", phase)
                    .isEqualTo(Phase.ROLLED_BACK);
        }
    }

    @Test
    void keepsItsRevisionWhenOnlyTheEvidenceChanges() {
        RolloutState state = canary();
        RolloutState counted = tick(
                        state, users(.1, 100).down(.1, Arm.CANDIDATE, 1).down(.1, Arm.CHAMPION, 3), 1_000)
                .state();
        assertThat(counted.evidence()).isNotEqualTo(state.evidence());
        assertThat(counted.shown()).isNotNull();
        assertThat(counted.revision()).isEqualTo(state.revision());
    }

    @Test
    void takesAnAbortThatWasGivenOnAnOlderRevision() {
        RolloutState paused = give(canary(), Action.PAUSE, null).state();
        RolloutCommand abort =
                new RolloutCommand(Event.SCHEMA, "y", "support", Action.ABORT, null, 1L, "ann", "why", 0);
        assertThat(RolloutCommands.apply(paused, abort, null, SETTINGS, 2)
                        .state()
                        .phase())
                .isEqualTo(Phase.ABORTED);
    }

    @Test
    void letsTheNewestCandidateWaitAndStartsItAfterwardsButNotAfterAnAbort() {
        RolloutState state = give(canary(), Action.REGISTER, "v3").state();
        Outcome replaced = give(state, Action.REGISTER, "v4");
        assertThat(replaced.state().waiting()).containsExactly("v4");
        assertThat(replaced.transition().orElseThrow().why()).contains("v4 waits, in the place of v3");
        RolloutState promoted = give(replaced.state(), Action.PROMOTE, null).state();
        assertThat(tick(promoted, null, 3).state().candidate()).isEqualTo("v4");
        RolloutState aborted = give(replaced.state(), Action.ABORT, null).state();
        assertThat(tick(aborted, null, 3).state().candidate()).isNull();
        assertThat(give(aborted, Action.REGISTER, "v5").state().candidate()).isNull();
        assertThat(give(aborted, Action.START, null).state().candidate()).isEqualTo("v4");
    }

    @Test
    void keepsWhatItRefusesAndWhatItIsToldInItsHistory() {
        RolloutState idle = RolloutState.idle("support", "v1");
        assertThat(give(idle, Action.PAUSE, null).transition().orElseThrow().why())
                .startsWith("refused to pause");
        assertThat(give(idle, Action.ABORT, null).transition().orElseThrow().why())
                .startsWith("refused to abort");
        assertThat(give(canary(), Action.START, "v3").transition().orElseThrow().why())
                .isEqualTo("refused to start: v2 is being tried");
        assertThat(give(canary(), Action.FREEZE, null).transition()).isPresent();
        RolloutState canary = canary();
        RolloutCommand stale =
                new RolloutCommand(Event.SCHEMA, "x", "support", Action.PAUSE, null, 99L, "ann", "why", 0);
        Outcome refused = RolloutCommands.apply(canary, stale, null, SETTINGS, 3);
        assertThat(refused.state().phase()).isEqualTo(Phase.CANARY);
        assertThat(refused.transition().orElseThrow().why()).contains("revision 99");
    }

    @Test
    void doesNothingTwice() {
        RolloutState state = canary();
        RolloutCommand pause = command(Action.PAUSE, null);
        RolloutState paused =
                RolloutCommands.apply(state, pause, null, SETTINGS, 1).state();
        assertThat(paused.phase()).isEqualTo(Phase.PAUSED);
        assertThat(RolloutCommands.apply(paused, pause, null, SETTINGS, 2).state())
                .isEqualTo(paused);
    }

    @Test
    void abortsWhatMostGatewaysCannotLoadAndNotWhatOneCannot() {
        RolloutState state = canary();
        state = report(state, "g1", Action.UNLOADABLE);
        assertThat(tick(state, null, 2_000).state().phase())
                .as("others may still")
                .isEqualTo(Phase.CANARY);
        state = report(state, "g2", Action.LOADED);
        assertThat(tick(state, null, 9_000).state().phase()).isEqualTo(Phase.CANARY);
        state = report(state, "g3", Action.UNLOADABLE);
        Outcome aborted = tick(state, null, 9_000);
        assertThat(aborted.state().phase()).isEqualTo(Phase.ABORTED);
        assertThat(aborted.transition().orElseThrow().why()).contains("cannot be loaded: no room");
    }

    @Test
    void waitsForGatewaysThatAreStillLoading() {
        RolloutState state = report(canary(), "g1", Action.UNLOADABLE);
        state = report(report(state, "g2", Action.LOADING), "g3", Action.LOADING);
        assertThat(tick(state, null, 300_000).state().phase())
                .as("two may still")
                .isEqualTo(Phase.CANARY);
        RolloutState loaded = report(report(state, "g2", Action.LOADED), "g3", Action.LOADED);
        assertThat(tick(loaded, null, 300_000).state().phase()).isEqualTo(Phase.CANARY);
        RolloutState refused = report(report(state, "g2", Action.UNLOADABLE), "g3", Action.LOADED);
        assertThat(tick(refused, null, 300_000).state().phase()).isEqualTo(Phase.ABORTED);
        assertThat(tick(state, null, 1_000 + Duration.ofMinutes(11).toMillis())
                        .state()
                        .phase())
                .as("whoever loads for so long is gone")
                .isEqualTo(Phase.ABORTED);
    }

    private RolloutState report(RolloutState state, String gateway, Action action) {
        RolloutCommand report = new RolloutCommand(
                Event.SCHEMA, "r" + commands++, "support", action, "v2", null, gateway, "no room", 0);
        return RolloutCommands.apply(state, report, null, SETTINGS, 1_000).state();
    }

    @Test
    void servesAPinnedVersionAndTriesNothingMeanwhile() {
        RolloutState pinned =
                give(RolloutState.idle("support", "v1"), Action.PIN, "v0").state();
        assertThat(pinned.pinned()).isEqualTo("v0");
        RolloutState waits = give(pinned, Action.REGISTER, "v2").state();
        assertThat(waits.candidate()).isNull();
        assertThat(tick(waits, null, 1).state().candidate()).isNull();
        assertThat(tick(give(waits, Action.UNPIN, null).state(), null, 1)
                        .state()
                        .candidate())
                .isEqualTo("v2");
        assertThat(give(canary(), Action.PIN, "v0").state().pinned()).isNull();
    }

    @Test
    void keepsTheSettingsThatItStartedWith() {
        RolloutState state = held(canary());
        RolloutSettings others =
                settings(Approval.AUTOMATIC, new Step(.2, Duration.ofHours(9)), new Step(.9, Duration.ZERO));
        RolloutState after = RolloutMachine.tick(state, users(.1, 200).of(state), others, 11_000)
                .state();
        assertThat(after.candidateShare()).isEqualTo(.5);
    }
}
