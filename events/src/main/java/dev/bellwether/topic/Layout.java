package dev.bellwether.topic;

/**
 * How topics lie on the brokers.
 *
 * @param replication copies of each
 * @param partitions of each; a key's records stay in one partition only while the number stays, so all services must be
 *     told the same
 */
public record Layout(short replication, int partitions) {
    /** For one broker. */
    public static final Layout DEFAULT = new Layout((short) 1, 4);

    public Layout {
        if (replication < 1 || partitions < 1) {
            throw new IllegalArgumentException("topics: %d copies of %d partitions".formatted(replication, partitions));
        }
    }
}
