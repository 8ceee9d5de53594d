package dev.bellwether.gateway.rollout;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.event.Arm;
import dev.bellwether.event.Event;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.PolicyScorecard.Events;
import dev.bellwether.event.PolicyScorecard.Exposures;
import dev.bellwether.event.PolicyScorecard.Kind;
import dev.bellwether.event.PolicyScorecard.Votes;
import dev.bellwether.event.RolloutSettings;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutState.Evidence;
import dev.bellwether.event.RolloutState.Phase;
import dev.bellwether.event.RolloutState.Watch;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What an operator reads of a rollout that does not move. */
class MissingTest {
    private final RolloutState canary = RolloutState.idle("support", "v1")
            .change()
            .candidate("v2")
            .experiment("v2-1")
            .candidateShare(.5)
            .phase(Phase.CANARY)
            .settings(RolloutSettings.defaults())
            .watch(Watch.NONE)
            .build();

    private static Exposures users(Arm arm, long users) {
        return new Exposures(.5, arm, users);
    }

    private static Optional<PolicyScorecard> card(List<Exposures> met, List<Votes> votes, List<Events> events) {
        return Optional.of(new PolicyScorecard(Event.SCHEMA, "support", "v2-1", 1, met, votes, Map.of(), events, met));
    }

    @Test
    void saysThatNobodyIsNamed() {
        assertThat(Missing.of(canary, Optional.empty()).getFirst()).startsWith("no named user was met");
        assertThat(Missing.of(canary, card(List.of(), List.of(), List.of())).getFirst())
                .startsWith("no named user was met");
        assertThat(Missing.of(canary, card(List.of(users(Arm.CHAMPION, 7)), List.of(), List.of())))
                .anyMatch(each -> each.equals("no named user has met v2 yet; 7 have met the champion"));
    }

    @Test
    void saysThatNobodyJudgesOrOneArmAlone() {
        List<Exposures> met = List.of(users(Arm.CHAMPION, 7), users(Arm.CANDIDATE, 9));
        assertThat(Missing.of(canary, card(met, List.of(), List.of())))
                .contains("no thumb of a named user has come")
                .anyMatch(each -> each.contains("9 of 200 named users have met the candidate in this step"));
        assertThat(Missing.of(canary, card(met, List.of(new Votes(.5, Arm.CHAMPION, 2, 1)), List.of())))
                .contains("no thumb on v2 has come; 3 on the champion");
        assertThat(Missing.of(canary, card(met, List.of(new Votes(.5, Arm.CANDIDATE, 2, 0)), List.of())))
                .contains("no thumb on the champion has come; 2 on v2");
    }

    @Test
    void saysHowMuchIsCountedOnceUsersChooseBetweenTheArms() {
        List<Exposures> met = List.of(users(Arm.CHAMPION, 7), users(Arm.CANDIDATE, 9));
        List<Events> chosen = List.of(new Events(.5, Arm.CANDIDATE, Kind.PREFERRED, 4));
        RolloutState undecided =
                canary.change().evidence(new Evidence(1, 3, 1, 1, 4, Map.of())).build();
        assertThat(Missing.of(undecided, card(met, List.of(), chosen)))
                .contains("first down-votes and choices between the arms counted so far: 4; they do not decide yet")
                .noneMatch(each -> each.startsWith("no thumb"));
        RolloutState spoken = canary.change()
                .evidence(new Evidence(1, 30, 1, 1, 40, Map.of()))
                .build();
        assertThat(Missing.of(spoken, card(met, List.of(), chosen)))
                .anyMatch(each ->
                        each.endsWith("they speak for the candidate, but time, users, or one of the two do not"));
    }

    @Test
    void saysWhatMeetsUsersWhileARolloutIsHeld() {
        RolloutState held = canary.change()
                .phase(Phase.HELD)
                .held("too little traffic")
                .resumesTo(Phase.CANARY)
                .build();
        assertThat(Missing.of(held, Optional.empty()))
                .contains("50 % of the named users meet v2 meanwhile; resume, promote or abort");
        assertThat(Missing.of(RolloutState.idle("support", "v1"), Optional.empty()))
                .isEmpty();
    }
}
