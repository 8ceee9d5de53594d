package dev.bellwether.event;

/**
 * A record that could not be used.
 *
 * @param record as it came, in base64
 */
public record DeadLetter(int schema, String topic, int partition, long offset, String record, String reason)
        implements Event {}
