package dev.bellwether.gateway.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.event.Arm;
import dev.bellwether.event.AssignmentReason;
import dev.bellwether.event.Event;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutState.Evidence;
import dev.bellwether.event.RolloutState.Phase;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AssignmentTest {
    private static RolloutState canary(double share) {
        return new RolloutState(
                Event.SCHEMA,
                "support",
                3,
                "v1",
                "v2",
                null,
                Phase.CANARY,
                0,
                share,
                "v2-1",
                false,
                0,
                0,
                null,
                null,
                List.of(),
                List.of(),
                Evidence.NONE);
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
                .filter(i -> Assignment.of(canary(.25), "user" + i).arm() == Arm.CANDIDATE)
                .count();
        assertThat(candidates / 20_000.0).isCloseTo(.25, within(.01));
    }

    @Test
    void keepsWhoIsInWhenTheShareGrows() {
        for (int i = 0; i < 2_000; i++) {
            String user = "user" + i;
            if (Assignment.of(canary(.05), user).arm() == Arm.CANDIDATE) {
                assertThat(Assignment.of(canary(.5), user).arm()).isEqualTo(Arm.CANDIDATE);
            }
        }
    }

    @Test
    void servesTheChampionUncountedWithoutAUserOrAnExperiment() {
        assertThat(Assignment.of(canary(.5), null).reason()).isEqualTo(AssignmentReason.DEFAULT);
        Assignment idle = Assignment.of(RolloutState.idle("support", "v1"), "mia");
        assertThat(idle.version()).isEqualTo("v1");
        assertThat(idle.reason()).isEqualTo(AssignmentReason.DEFAULT);
        assertThat(idle.candidateShare()).isZero();
    }
}
