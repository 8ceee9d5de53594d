package dev.bellwether.event;

import java.util.UUID;

/** An interaction's id is a UUID of version 7, so that whoever holds it knows when the interaction began. */
public final class InteractionId {
    private static final int TEXT_LENGTH = 36;
    private static final int TIME_ORDERED = 7;

    private InteractionId() {}

    /**
     * Milliseconds since 1970, by the gateway's clock.
     *
     * @throws IllegalArgumentException for anything but a UUID of version 7
     */
    public static long time(String id) {
        if (id.length() != TEXT_LENGTH) {
            throw new IllegalArgumentException("'%s' is not an interaction's id".formatted(id));
        }
        UUID uuid = UUID.fromString(id);
        if (uuid.version() != TIME_ORDERED) {
            throw new IllegalArgumentException("'%s' holds no time: it is not a UUID of version 7".formatted(id));
        }
        return uuid.getMostSignificantBits() >>> 16;
    }
}
