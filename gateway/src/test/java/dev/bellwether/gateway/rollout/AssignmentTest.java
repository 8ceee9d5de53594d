package dev.bellwether.gateway.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.event.Arm;
import dev.bellwether.event.AssignmentReason;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutState.Anchor;
import dev.bellwether.event.RolloutState.Phase;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AssignmentTest {
    private static RolloutState canary(double share) {
        return RolloutState.idle("support", "v1")
                .change()
                .candidate("v2")
                .phase(Phase.CANARY)
                .candidateShare(share)
                .experiment("v2-1")
                .build();
    }

    @Test
    void hashesAsMurmur3Does() {
        assertThat(Assignment.murmur3(new byte[0])).isZero();
        assertThat(Assignment.murmur3("test".getBytes(StandardCharsets.UTF_8))).isEqualTo(0xba6bd213);
        assertThat(Assignment.murmur3("Hello, world!".getBytes(StandardCharsets.UTF_8)))
                .isEqualTo(0xc0363e43);
    }

    @Test
    void givesTheCandidateItsShareOfUsers() {
        long candidates = IntStream.range(0, 20_000)
                .filter(i -> Assignment.of(canary(.25), "user" + i, false).arm() == Arm.CANDIDATE)
                .count();
        assertThat(candidates / 20_000.0).isCloseTo(.25, within(.01));
    }

    @Test
    void keepsWhoIsInWhenTheShareGrows() {
        for (int i = 0; i < 2_000; i++) {
            String user = "user" + i;
            if (Assignment.of(canary(.05), user, false).arm() == Arm.CANDIDATE) {
                assertThat(Assignment.of(canary(.5), user, false).arm()).isEqualTo(Arm.CANDIDATE);
            }
        }
    }

    @Test
    void servesTheChampionUncountedWithoutAUserOrAnExperiment() {
        assertThat(Assignment.of(canary(.5), null, false).reason()).isEqualTo(AssignmentReason.DEFAULT);
        Assignment idle = Assignment.of(RolloutState.idle("support", "v1"), "mia", false);
        assertThat(idle.version()).isEqualTo("v1");
        assertThat(idle.reason()).isEqualTo(AssignmentReason.DEFAULT);
        assertThat(idle.candidateShare()).isZero();
    }

    @Test
    void holdsAFewUsersOutOnTheAnchorWhoeverIsTried() {
        for (double share : new double[] {.02, .00005}) {
            Anchor anchor = new Anchor("v0", 1_764_150_000_000L, share);
            assertThat(Anchor.shareOf(anchor.experiment())).isEqualTo(share);
        }
        RolloutState state =
                canary(.5).change().anchor(new Anchor("v0", 7, .02)).build();
        List<Assignment> all = IntStream.range(0, 20_000)
                .mapToObj(i -> Assignment.of(state, "user" + i, false))
                .toList();
        List<Assignment> out = all.stream()
                .filter(each -> each.reason() == AssignmentReason.HOLDOUT)
                .toList();
        assertThat(out.size() / 20_000.0).isCloseTo(.02, within(.004));
        assertThat(out).allMatch(each -> each.version().equals("v0"));
        assertThat(all).filteredOn(each -> each.arm() == Arm.CANDIDATE).allMatch(each -> each.holdout() == null);
        assertThat(all)
                .filteredOn(each -> each.version().equals("v1"))
                .allMatch(each -> "holdout-0.02-7".equals(each.holdout()));
    }

    @Test
    void givesNobodyACandidateByAStateThatIsTooOld() {
        Assignment stale = Assignment.of(canary(.5), "mia", true);
        assertThat(stale.version()).isEqualTo("v1");
        assertThat(stale.reason()).isEqualTo(AssignmentReason.STALE);
    }

    @Test
    void givesEveryoneAPinnedVersion() {
        RolloutState pinned =
                RolloutState.idle("support", "v1").change().pinned("v7").build();
        assertThat(Assignment.of(pinned, null, false).version()).isEqualTo("v7");
        assertThat(Assignment.of(pinned, "mia", false).reason()).isEqualTo(AssignmentReason.PINNED);
    }
}
