package dev.bellwether.stream.erasure;

import org.jspecify.annotations.Nullable;

/**
 * An interaction whose user is forgotten, or can be.
 *
 * @param place none where judgements came and the interaction itself has not
 */
public record Forgotten(
        String interactionId, String userHash, @Nullable Place place) {
    /**
     * Where else something of it is kept.
     *
     * @param prompt its prompt's key
     * @param experiment none where it was in none; {@code holdout} likewise
     */
    public record Place(
            String bot,
            String prompt,
            String conversationId,
            @Nullable String experiment,
            @Nullable String holdout) {}
}
