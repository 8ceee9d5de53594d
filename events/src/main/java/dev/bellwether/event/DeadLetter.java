package dev.bellwether.event;

import java.util.Arrays;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * A record that could not be used.
 *
 * @param record as it came, in base64; of a long one its beginning
 * @param reason what was wrong with it
 * @param bytes its length; more than {@code record} holds where that is its beginning. None in letters of before
 */
public record DeadLetter(
        int schema,
        String topic,
        int partition,
        long offset,
        String record,
        String reason,
        @Nullable Long bytes) implements Event {
    /** In base64 with a key and a reason it is within what a topic takes. */
    private static final int RECORD_BYTES_MAX = 2 << 20;

    private static final int REASON_MAX = 2_000;

    /** The letter about a record of which {@code bytes} are the value. */
    public static DeadLetter of(String topic, int partition, long offset, byte[] bytes, String reason) {
        byte[] kept = bytes.length <= RECORD_BYTES_MAX ? bytes : Arrays.copyOf(bytes, RECORD_BYTES_MAX);
        String shortened = reason.length() <= REASON_MAX ? reason : reason.substring(0, REASON_MAX);
        return new DeadLetter(
                SCHEMA,
                topic,
                partition,
                offset,
                Base64.getEncoder().encodeToString(kept),
                WellFormed.text(shortened),
                (long) bytes.length);
    }
}
