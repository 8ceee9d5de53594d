package dev.bellwether.policy.checkpoint;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One row of what a store has of a bot.
 *
 * @param kind an {@link ArtefactKind} in lower case, or {@code damaged}
 * @param created ISO 8601 instant; none where the manifest cannot be read
 * @param parent the version it was trained from
 * @param why what is wrong with a damaged one
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record StoredVersion(
        String version,
        String kind,
        @Nullable String created,
        @Nullable String parent,
        @Nullable String why) {
    static StoredVersion of(Manifest manifest, String name) {
        String kind = manifest.artefactKind().name().toLowerCase(Locale.ROOT);
        return new StoredVersion(name, kind, manifest.created(), manifest.parent(), null);
    }

    static StoredVersion damaged(String name, String why) {
        return new StoredVersion(name, "damaged", null, null, why);
    }
}
