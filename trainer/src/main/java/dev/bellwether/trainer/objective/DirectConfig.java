package dev.bellwether.trainer.objective;

/**
 * Settings of learning from what people said themselves.
 *
 * @param batch pieces of evidence in a step
 * @param beta of the loss
 * @param smoothing probability that a judgement says the opposite of what was meant
 * @param voteWeight of a thumb, beside a side of a comparison of full weight
 * @param temperature of every log-probability
 * @param batchTokens padded tokens that are computed together
 */
public record DirectConfig(
        int epochs,
        int batch,
        double learningRate,
        double beta,
        double smoothing,
        double voteWeight,
        double temperature,
        int batchTokens) {
    public static final DirectConfig DEFAULT = new DirectConfig(2, 32, 1e-4, .1, .1, .5, .7, 1_800);

    /** These settings for a bot's own temperature and a model's own rate. */
    public DirectConfig with(double ownTemperature, double learningRateFactor) {
        return new DirectConfig(
                epochs,
                batch,
                learningRate * learningRateFactor,
                beta,
                smoothing,
                voteWeight,
                ownTemperature,
                batchTokens);
    }
}
