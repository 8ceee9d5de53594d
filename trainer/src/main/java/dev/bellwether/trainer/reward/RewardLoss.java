package dev.bellwether.trainer.reward;

/** The reward model's losses and their derivatives with respect to the rewards, in closed form. */
public final class RewardLoss {
    private RewardLoss() {}

    public static double sigmoid(double x) {
        return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
    }

    /** −log σ(x), without overflow. */
    public static double negativeLogSigmoid(double x) {
        return Math.max(0, -x) + Math.log1p(Math.exp(-Math.abs(x)));
    }

    /**
     * −(1 − s)·log σ(d) − s·log σ(−d) for the margin d of the chosen over the rejected reward: Bradley and Terry's
     * model with a share s of judgements that say the opposite.
     */
    public static double pair(double margin, double smoothing) {
        return (1 - smoothing) * negativeLogSigmoid(margin) + smoothing * negativeLogSigmoid(-margin);
    }

    /** d pair / d margin. */
    public static double pairSlope(double margin, double smoothing) {
        return sigmoid(margin) - (1 - smoothing);
    }

    /** Binary cross-entropy of a thumb on σ(reward + bias), smoothed likewise. */
    public static double vote(double reward, double bias, boolean up, double smoothing) {
        double signed = up ? reward + bias : -(reward + bias);
        return pair(signed, smoothing);
    }

    /** d vote / d reward, which is also d vote / d bias. */
    public static double voteSlope(double reward, double bias, boolean up, double smoothing) {
        double sign = up ? 1 : -1;
        return sign * pairSlope(sign * (reward + bias), smoothing);
    }
}
