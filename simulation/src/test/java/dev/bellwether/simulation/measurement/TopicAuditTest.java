package dev.bellwether.simulation.measurement;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.event.Arm;
import dev.bellwether.event.AssignmentReason;
import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.Reply;
import dev.bellwether.event.Source;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TopicAuditTest {
    private static Interaction interaction(String id, String version) {
        return new Interaction(
                Event.SCHEMA,
                id,
                "support",
                id,
                null,
                List.of(),
                List.of(new Reply("Here.", version, 0, "stop", 1, 1, 0.7, 1)),
                null,
                Arm.CHAMPION,
                0,
                AssignmentReason.DEFAULT,
                true,
                1,
                1,
                Map.of(),
                null,
                null);
    }

    private static Feedback thumb(String id, String interaction, boolean up) {
        return new Feedback(
                Event.SCHEMA,
                id,
                interaction,
                0,
                null,
                Source.END_USER,
                new FeedbackSignal.Thumb(up, List.of(), null),
                null,
                1);
    }

    @Test
    void countsWhatCountsTwice() {
        List<RatedInteraction> rated = List.of(
                new RatedInteraction(
                        Event.SCHEMA,
                        1,
                        interaction("a", "v1"),
                        List.of(thumb("a.1", "a", true), thumb("a.2", "a", false))),
                new RatedInteraction(Event.SCHEMA, 1, interaction("b", "v1"), List.of(thumb("b.1", "b", false))));
        assertThat(TopicAudit.duplicated(rated, List.of())).isEqualTo(1);
        assertThat(TopicAudit.duplicated(rated.subList(1, 2), List.of(duel("p", "b"), duel("q", "c"))))
                .isZero();
        assertThat(TopicAudit.duplicated(rated.subList(1, 2), List.of(duel("p", "b"), duel("q", "b"))))
                .isEqualTo(1);
    }

    private static PreferencePair duel(String id, String interaction) {
        return new PreferencePair(
                Event.SCHEMA,
                id,
                "support",
                List.of(),
                new PreferencePair.Response("Here.", interaction, "v1", 0),
                new PreferencePair.Response("There.", interaction, "v1", 1),
                PreferencePair.Origin.DUEL,
                1,
                List.of("mia"),
                Source.END_USER,
                "c",
                1);
    }

    @Test
    void countsWhatTheseCustomersWereServed() {
        assertThat(TopicAudit.versions(
                        List.of(
                                interaction("a", "v1"),
                                interaction("b", "v2"),
                                interaction("c", "v2"),
                                interaction("d", "v3")),
                        List.of(
                                thumb("a.1", "a", true),
                                thumb("b.1", "b", false),
                                thumb("c.1", "c", true),
                                thumb("d.1", "d", true)),
                        Set.of("a", "b", "c")))
                .containsExactly(new TopicAudit.Version("v1", 1, 1, 0), new TopicAudit.Version("v2", 2, 1, 1));
    }
}
