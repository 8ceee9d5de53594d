package dev.bellwether.gateway.serving;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.event.Answer.Candidate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is known when all replies are there.
 *
 * @param promptTokens 0 where the upstream does not say
 * @param completionTokens of all replies together
 * @param model what the upstream calls the model that answered; none of a local policy
 * @param usage as the upstream counts it; none where it does not
 * @param beside what else the upstream says of its answer, such as {@code system_fingerprint}
 * @param candidates what was chosen from, best first; empty where nothing was chosen
 */
public record Totals(
        int promptTokens,
        int completionTokens,
        @Nullable String model,
        @Nullable ObjectNode usage,
        @Nullable ObjectNode beside,
        List<Candidate> candidates) {

    public Totals {
        candidates = List.copyOf(candidates);
    }

    public static Totals of(int promptTokens, int completionTokens) {
        return new Totals(promptTokens, completionTokens, null, null, null, List.of());
    }
}
