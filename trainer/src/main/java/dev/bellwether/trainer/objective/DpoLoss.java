package dev.bellwether.trainer.objective;

import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.reward.RewardLoss;
import java.util.List;
import java.util.stream.Stream;

/**
 * Direct preference optimization, with labels smoothed as for people who err: the mean, by weight, of
 * −(1 − s)·log σ(β·h) − s·log σ(−β·h) with h the ratio of the chosen reply less that of the rejected one.
 *
 * @param beta what a nat from the reference costs
 * @param smoothing s: the probability that a judgement says the opposite of what was meant
 * @see <a href="https://arxiv.org/abs/2305.18290">Rafailov et al.: Direct Preference Optimization: Your Language Model is
 *     Secretly a Reward Model</a>
 */
record DpoLoss(double beta, double smoothing) implements DirectLoss<Comparison> {

    /** Those of a comparison one behind the other, the chosen one first. */
    @Override
    public List<Sample> replies(List<Comparison> batch) {
        return batch.stream()
                .flatMap(each -> Stream.of(each.chosen(), each.rejected()))
                .toList();
    }

    @Override
    public double of(List<Comparison> batch, double[] ratios, double[] slopes) {
        double weight = batch.stream().mapToDouble(Comparison::weight).sum();
        double loss = 0;
        for (int i = 0; i < batch.size(); i++) {
            double share = batch.get(i).weight() / weight;
            double margin = beta * (ratios[2 * i] - ratios[2 * i + 1]);
            loss += share * RewardLoss.pair(margin, smoothing);
            double slope = share * beta * RewardLoss.pairSlope(margin, smoothing);
            slopes[2 * i] = slope;
            slopes[2 * i + 1] = -slope;
        }
        return loss;
    }

    @Override
    public double accuracy(List<Comparison> batch, double[] ratios) {
        int right = 0;
        for (int i = 0; i < batch.size(); i++) {
            right += ratios[2 * i] > ratios[2 * i + 1] ? 1 : 0;
        }
        return right / (double) batch.size();
    }
}
