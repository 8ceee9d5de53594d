package dev.bellwether.stream.erasure;

import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import dev.bellwether.event.InteractionId;
import org.jspecify.annotations.Nullable;

/**
 * An interaction whose user is forgotten, or can be.
 *
 * @param appended when the stream's topic took it, in milliseconds since 1970; 0 in what was kept before that was
 * @param place none where judgements came and the interaction itself has not
 */
public record Forgotten(
        String interactionId,
        String userHash,
        @JsonSetter(nulls = Nulls.AS_EMPTY) long appended,
        @Nullable Place place) {
    /** Whether an erasure of {@code erasure}, appended at {@code heard}, is of it: by either clock it was before. */
    boolean before(long erasure, long heard) {
        return InteractionId.time(interactionId) <= erasure || appended <= heard;
    }

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
