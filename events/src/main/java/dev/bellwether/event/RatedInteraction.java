package dev.bellwether.event;

import java.util.List;

/**
 * An interaction with every judgement of it that is in force.
 *
 * @param revision grows with every change
 */
public record RatedInteraction(int schema, long revision, Interaction interaction, List<Feedback> judgements)
        implements Event {
    public RatedInteraction {
        Valid.atLeast(0, revision, "revision");
        judgements = List.copyOf(judgements);
        for (Feedback judgement : judgements) {
            if (!judgement.interactionId().equals(interaction.interactionId()) || !judgement.fits(interaction)) {
                throw new IllegalArgumentException("judgement %s is not of interaction %s"
                        .formatted(judgement.feedbackId(), interaction.interactionId()));
            }
        }
    }
}
