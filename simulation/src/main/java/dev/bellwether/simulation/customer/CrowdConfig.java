package dev.bellwether.simulation.customer;

/**
 * How a crowd behaves.
 *
 * @param interactions after which it goes home
 * @param concurrency customers at once
 * @param seed of all that customers decide by chance
 * @param conversations that people with this seed have had before; who comes next is another
 * @param population who comes
 * @param progress whether to show a progress bar
 */
public record CrowdConfig(
        long interactions, int concurrency, long seed, long conversations, Population population, boolean progress) {
    public static final int CONCURRENCY = 24;

    public CrowdConfig {
        if (interactions < 1) {
            throw new IllegalArgumentException("interactions must be at least 1, are " + interactions);
        }
        if (concurrency < 1 || concurrency > 10_000) {
            throw new IllegalArgumentException("concurrency must be 1 to 10000, is " + concurrency);
        }
    }

    /** A crowd of strangers, without a progress bar. */
    public static CrowdConfig of(long interactions, int concurrency, long seed) {
        return new CrowdConfig(interactions, concurrency, seed, 0, Population.STRANGERS, false);
    }
}
