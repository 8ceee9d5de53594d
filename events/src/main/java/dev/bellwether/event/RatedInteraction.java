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
        judgements = List.copyOf(judgements);
    }
}
