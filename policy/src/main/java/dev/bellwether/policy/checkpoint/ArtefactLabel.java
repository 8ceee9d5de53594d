package dev.bellwether.policy.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What an artefact is called and where it comes from.
 *
 * @param parent the version it was trained from; none for one that was not trained here
 * @param base the version whose weights adapters go with; none for anything else
 * @param refresh what the refresh that made it reported; none for one that was not trained here
 * @param scale of a reward model's scores; none for what serves
 */
public record ArtefactLabel(
        String bot,
        String version,
        ArtefactKind kind,
        @Nullable String parent,
        @Nullable String base,
        Instant created,
        @Nullable JsonNode refresh,
        @Nullable RewardScale scale) {

    /** A version that serves and comes from outside. */
    public static ArtefactLabel added(String bot, String version, ArtefactKind kind, Instant created) {
        return new ArtefactLabel(bot, version, kind, null, null, created, null, null);
    }
}
