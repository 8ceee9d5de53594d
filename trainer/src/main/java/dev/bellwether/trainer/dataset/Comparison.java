package dev.bellwether.trainer.dataset;

/**
 * Two replies to one prompt as tokens, the first preferred.
 *
 * @param weight how much it counts
 * @param judge hash of the person who judged
 */
public record Comparison(Sample chosen, Sample rejected, double weight, String judge, long time) {}
