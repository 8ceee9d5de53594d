package dev.bellwether.stream.rollout;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.event.Arm;
import dev.bellwether.event.Event;
import dev.bellwether.event.EventJson;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.PolicyScorecard.Exposures;
import dev.bellwether.event.PolicyScorecard.Votes;
import dev.bellwether.event.RolloutCommand;
import dev.bellwether.event.RolloutCommand.Action;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutState.Phase;
import dev.bellwether.stream.rollout.RolloutConfig.Approval;
import dev.bellwether.stream.rollout.RolloutConfig.Step;
import dev.bellwether.stream.rollout.RolloutMachine.Outcome;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RolloutMachineTest {
    private static final RolloutConfig CONFIG = new RolloutConfig(
            List.of(new Step(.1, Duration.ofSeconds(10)), new Step(.5, Duration.ZERO)),
            Approval.AUTOMATIC,
            .05,
            1.25,
            30,
            Duration.ofHours(1),
            Duration.ofSeconds(3));
    private final RolloutMachine machine = new RolloutMachine(CONFIG);
    private int commands;

    private RolloutCommand command(Action action, @Nullable String version) {
        return new RolloutCommand(Event.SCHEMA, "c" + commands++, "support", action, version, null, "ann", "why", 0);
    }

    private RolloutState canary() {
        return machine.command(RolloutState.idle("support", "v1"), command(Action.REGISTER, "v2"), 0)
                .state();
    }

    private static RolloutState in(RolloutState state, Phase phase) {
        ObjectNode json = EventJson.mapper().valueToTree(state);
        json.set("phase", EventJson.mapper().valueToTree(phase));
        return EventJson.mapper().convertValue(json, RolloutState.class);
    }

    private static PolicyScorecard card(RolloutState state, long candidateDown, long championDown) {
        return new PolicyScorecard(
                Event.SCHEMA,
                "support",
                String.valueOf(state.experiment()),
                1,
                List.of(
                        new Exposures(state.candidateShare(), Arm.CANDIDATE, Math.round(200 * state.candidateShare())),
                        new Exposures(
                                state.candidateShare(), Arm.CHAMPION, Math.round(200 * (1 - state.candidateShare())))),
                List.of(
                        new Votes(state.candidateShare(), Arm.CANDIDATE, 0, candidateDown),
                        new Votes(state.candidateShare(), Arm.CHAMPION, 0, championDown)),
                Map.of(),
                List.of());
    }

    @Test
    void goesThroughItsStepsAndPromotesWhatIsNotWorse() {
        RolloutState state = canary();
        assertThat(machine.tick(state, card(state, 0, 3), 9_000).state().step()).isZero();
        assertThat(machine.tick(state, null, 11_000).state().step())
                .as("nobody was exposed")
                .isZero();
        state = machine.tick(state, card(state, 0, 3), 11_000).state();
        assertThat(state.step()).isEqualTo(1);
        assertThat(state.candidateShare()).isEqualTo(.5);
        assertThat(machine.tick(state, card(state, 4, 8), 12_000).state().phase())
                .as("too few counted")
                .isEqualTo(Phase.CANARY);
        Outcome promoted = machine.tick(state, card(state, 15, 30), 13_000);
        assertThat(promoted.state().phase()).isEqualTo(Phase.PROMOTED);
        assertThat(promoted.state().champion()).isEqualTo("v2");
        assertThat(promoted.state().previous()).isEqualTo("v1");
        assertThat(promoted.transition()).hasValueSatisfying(transition -> {
            assertThat(transition.version()).isEqualTo("v2");
            assertThat(transition.eValue()).isGreaterThan(20);
        });
    }

    @Test
    void rollsBackWhatGetsMoreDownVotes() {
        RolloutState state = canary();
        Outcome outcome = machine.tick(state, card(state, 12, 10), 1_000);
        assertThat(outcome.state().phase()).isEqualTo(Phase.ROLLED_BACK);
        assertThat(outcome.state().champion()).isEqualTo("v1");
        assertThat(outcome.state().candidateShare()).isZero();
    }

    @Test
    void holdsWhenUsersDoNotSplitByTheShare() {
        RolloutState state = canary();
        PolicyScorecard skewed = new PolicyScorecard(
                Event.SCHEMA,
                "support",
                String.valueOf(state.experiment()),
                1,
                List.of(new Exposures(.1, Arm.CANDIDATE, 100), new Exposures(.1, Arm.CHAMPION, 200)),
                List.of(),
                Map.of(),
                List.of());
        RolloutState held = machine.tick(state, skewed, 1_000).state();
        assertThat(held.phase()).isEqualTo(Phase.HELD);
        assertThat(held.candidateShare()).isEqualTo(.1);
    }

    @Test
    void holdsWhatNobodyMeets() {
        RolloutState state = canary();
        assertThat(machine.tick(state, null, 3_599_000).state().phase()).isEqualTo(Phase.CANARY);
        RolloutState held = machine.tick(state, null, 3_600_000).state();
        assertThat(held.phase()).isEqualTo(Phase.HELD);
        assertThat(held.held()).isEqualTo("too little traffic");
        assertThat(held.champion()).isEqualTo("v1");
    }

    @Test
    void waitsForApprovalWhereItIsRequired() {
        RolloutMachine careful = new RolloutMachine(new RolloutConfig(
                List.of(new Step(.5, Duration.ZERO)),
                Approval.REQUIRED,
                .05,
                1.25,
                30,
                Duration.ofHours(1),
                Duration.ofSeconds(3)));
        RolloutState state = careful.command(RolloutState.idle("support", "v1"), command(Action.REGISTER, "v2"), 0)
                .state();
        state = careful.tick(state, card(state, 15, 30), 1_000).state();
        assertThat(state.phase()).isEqualTo(Phase.AWAITING_APPROVAL);
        assertThat(careful.command(state, command(Action.APPROVE, null), 2_000)
                        .state()
                        .champion())
                .isEqualTo("v2");
    }

    @Test
    void rollsBackForHarmInEveryPhaseThatHasACandidate() {
        RolloutState canary = canary();
        RolloutState paused =
                machine.command(canary, command(Action.PAUSE, null), 1).state();
        RolloutState held = in(canary, Phase.HELD);
        RolloutState awaiting = in(canary, Phase.AWAITING_APPROVAL);
        for (RolloutState state : List.of(paused, held, awaiting)) {
            assertThat(machine.tick(state, card(state, 12, 10), 1_000).state().phase())
                    .as("%s", state.phase())
                    .isEqualTo(Phase.ROLLED_BACK);
        }
    }

    @Test
    void keepsItsRevisionWhenOnlyTheEvidenceChanges() {
        RolloutState state = canary();
        RolloutState counted = machine.tick(state, card(state, 1, 3), 1_000).state();
        assertThat(counted.evidence()).isNotEqualTo(state.evidence());
        assertThat(counted.revision()).isEqualTo(state.revision());
    }

    @Test
    void takesAnAbortThatWasGivenOnAnOlderRevision() {
        RolloutState paused =
                machine.command(canary(), command(Action.PAUSE, null), 1).state();
        RolloutCommand abort =
                new RolloutCommand(Event.SCHEMA, "y", "support", Action.ABORT, null, 1L, "ann", "why", 0);
        assertThat(machine.command(paused, abort, 2).state().phase()).isEqualTo(Phase.ABORTED);
    }

    @Test
    void letsASecondCandidateWaitAndStartsItAfterwards() {
        RolloutState state =
                machine.command(canary(), command(Action.REGISTER, "v3"), 1).state();
        assertThat(state.waiting()).containsExactly("v3");
        state = machine.command(state, command(Action.ABORT, null), 2).state();
        assertThat(machine.tick(state, null, 3).state().candidate()).isEqualTo("v3");
    }

    @Test
    void doesNothingTwiceOrForAnotherRevision() {
        RolloutState state = canary();
        RolloutCommand pause = command(Action.PAUSE, null);
        RolloutState paused = machine.command(state, pause, 1).state();
        assertThat(paused.phase()).isEqualTo(Phase.PAUSED);
        assertThat(machine.command(paused, pause, 2).state()).isEqualTo(paused);
        RolloutCommand stale =
                new RolloutCommand(Event.SCHEMA, "x", "support", Action.RESUME, null, 1L, "ann", "why", 0);
        assertThat(machine.command(paused, stale, 3).state()).isEqualTo(paused);
    }

    @Property(tries = 300)
    void neverLeavesShareOnAVersionThatIsOutAndAbortAlwaysEndsIt(
            @ForAll @Size(max = 30) List<@IntRange(max = 10) Integer> moves) {
        RolloutState state = RolloutState.idle("support", "v0");
        long now = 0;
        for (int move : moves) {
            now += 6_000;
            List<Action> actions = List.of(Action.values());
            state = move < actions.size()
                    ? machine.command(state, command(actions.get(move), "v" + now), now)
                            .state()
                    : machine.tick(state, state.candidate() == null ? null : card(state, 2, 3), now)
                            .state();
            boolean running = state.candidate() != null;
            assertThat(running).isEqualTo(state.candidateShare() > 0);
            assertThat(running).isEqualTo(state.experiment() != null);
        }
        RolloutState aborted =
                machine.command(state, command(Action.ABORT, null), now).state();
        assertThat(aborted.candidate()).isNull();
        assertThat(aborted.candidateShare()).isZero();
    }
}
