package dev.bellwether.gateway.serving;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.gateway.http.ApiException;
import dev.bellwether.gateway.http.Deadline;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.policy.prompt.Turn;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a policy is asked for.
 *
 * @param turns the conversation as texts
 * @param beyondText why a policy that reads and writes texts alone cannot serve it; none where it can
 * @param body the request as its caller sent it, without what belongs to Bellwether
 * @param choices replies to generate
 * @param sampling what a local policy draws them with
 * @param stream whether pieces are wanted as they come
 */
public record Ask(
        List<Turn> turns,
        @Nullable ApiException beyondText,
        ObjectNode body,
        int choices,
        Sampling sampling,
        List<String> stops,
        boolean stream,
        Deadline deadline) {
    public Ask {
        turns = List.copyOf(turns);
        stops = List.copyOf(stops);
    }

    /** The same, drawn by other random numbers. */
    public Ask another() {
        ObjectNode other = body.deepCopy();
        if (body.path("seed").isIntegralNumber()) {
            other.put("seed", body.path("seed").asLong() + 1);
        }
        return new Ask(
                turns, beyondText, other, choices, sampling.withSeed(sampling.seed() + 1), stops, stream, deadline);
    }

    /** The same for another number of replies. */
    public Ask with(int number, boolean streamed) {
        return new Ask(turns, beyondText, body, number, sampling, stops, streamed, deadline);
    }
}
