package dev.bellwether.sdk;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * What it means that a user is forgotten.
 *
 * @param erasedBy when nothing of the user is left anywhere
 * @param versions those that had learned from the user's data, whose weights are not changed, as {@code bot/version}
 */
public record Erasure(Instant erasedBy, List<String> versions) {
    public Erasure {
        versions = List.copyOf(versions);
    }

    static Erasure of(JsonNode json) {
        List<String> versions = new ArrayList<>();
        json.path("versions")
                .forEach(each -> versions.add(
                        each.path("bot").asText() + "/" + each.path("version").asText()));
        return new Erasure(Instant.parse(json.path("erased_by").asText()), versions);
    }
}
