package dev.bellwether.policy.checkpoint;

/**
 * What turns a reward model's raw rewards into scores of mean 0 and deviation 1 on the starting policy's own replies, or
 * on the replies that were judged where others wrote them: {@code (reward − mean) / deviation}.
 */
public record RewardScale(double mean, double deviation) {
    /** Leaves rewards as they are. */
    public static final RewardScale NONE = new RewardScale(0, 1);
}
