package dev.bellwether.simulation.measurement;

import java.util.List;

/** Replies of a policy to one question; they do not depend on any taste. */
public record ReplySample(String question, String category, List<String> replies) {
    public ReplySample {
        replies = List.copyOf(replies);
    }
}
