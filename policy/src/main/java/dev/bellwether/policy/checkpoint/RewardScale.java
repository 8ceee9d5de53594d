package dev.bellwether.policy.checkpoint;

/**
 * What turns a reward model's raw rewards into scores of mean 0 and deviation 1 on the starting policy's own replies:
 * {@code (reward − mean) / deviation}.
 */
public record RewardScale(double mean, double deviation) {}
