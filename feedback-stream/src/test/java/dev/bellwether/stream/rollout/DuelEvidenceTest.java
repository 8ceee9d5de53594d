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
import dev.bellwether.event.RolloutState.Phase;
import dev.bellwether.stream.rollout.RolloutMachine.Outcome;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What users choose in duels between the arms, beside their thumbs. */
class DuelEvidenceTest {
    private static final RolloutSettings SETTINGS = new RolloutSettings(
            List.of(new Step(.5, Duration.ZERO)),
            Approval.AUTOMATIC,
            .05,
            1.25,
            30,
            200,
            Duration.ofDays(14),
            Duration.ofSeconds(20),
            0);

    private final RolloutState started = RolloutCommands.apply(
                    RolloutState.idle("support", "v1"),
                    new RolloutCommand(Event.SCHEMA, "c", "support", Action.REGISTER, "v2", null, "trainer", "", 0),
                    null,
                    SETTINGS,
                    0)
            .state();

    private static Cards duels(long candidate, long champion) {
        return new Cards()
                .met(.5, Arm.CANDIDATE, 400)
                .met(.5, Arm.CHAMPION, 400)
                .happened(.5, Arm.CANDIDATE, Kind.PREFERRED, candidate)
                .happened(.5, Arm.CHAMPION, Kind.PREFERRED, champion);
    }

    private static Cards down(Cards cards, long candidate, long champion) {
        return cards.down(.5, Arm.CANDIDATE, candidate).down(.5, Arm.CHAMPION, champion);
    }

    private static Outcome tick(RolloutState state, Cards cards) {
        return RolloutMachine.tick(RolloutMachine.seen(state, 1_000), cards.of(state), SETTINGS, 1_000);
    }

    private Phase phase(Cards cards) {
        return tick(started, cards).state().phase();
    }

    @Test
    void promotesWhatWinsItsDuels() {
        assertThat(phase(duels(100, 60))).isEqualTo(Phase.PROMOTED);
        assertThat(phase(duels(70, 70))).isEqualTo(Phase.CANARY);
    }

    /** 13.4 by duels, 1.8 by down-votes. */
    @Test
    void addsUpWhatNeitherKindSaysAlone() {
        assertThat(phase(duels(70, 55))).isEqualTo(Phase.CANARY);
        assertThat(phase(down(duels(70, 55), 24, 28))).isEqualTo(Phase.PROMOTED);
    }

    /** By down-votes .82, .43, and .22: the last is below a quarter. */
    @Test
    void holdsBackWhatDownVotesSpeakAgainstHoweverItWinsItsDuels() {
        assertThat(phase(down(duels(900, 100), 1, 0))).isEqualTo(Phase.PROMOTED);
        assertThat(phase(down(duels(100, 60), 18, 12))).isEqualTo(Phase.PROMOTED);
        assertThat(phase(down(duels(900, 100), 40, 24))).isEqualTo(Phase.CANARY);
    }

    @Test
    void holdsBackWhatDownVotesCameToSpeakAgainstAfterDuelsHadSpokenForIt() {
        RolloutState frozen =
                started.change().phase(Phase.PAUSED).resumesTo(Phase.CANARY).build();
        RolloutState spoken = tick(frozen, duels(100, 60)).state();
        assertThat(spoken.evidence().nonInferiority()).isGreaterThan(20);
        RolloutState resumed =
                spoken.change().phase(Phase.CANARY).resumesTo(null).build();
        assertThat(tick(resumed, down(duels(100, 60), 40, 24)).state().phase()).isEqualTo(Phase.CANARY);
    }

    @Test
    void rollsBackWhatLosesItsDuels() {
        Outcome outcome = tick(started, duels(20, 60));
        assertThat(outcome.state().phase()).isEqualTo(Phase.ROLLED_BACK);
        assertThat(outcome.transition().orElseThrow().why()).isEqualTo("users prefer the champion's replies to its");
    }
}
