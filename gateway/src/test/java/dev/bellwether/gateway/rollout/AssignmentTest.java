package dev.bellwether.gateway.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.event.Arm;
import dev.bellwether.event.AssignmentReason;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutState.Phase;
import java.nio.charset.StandardCharsets;
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
}
