package dev.bellwether.trainer.objective;

import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.dataset.Vote;
import dev.bellwether.trainer.reward.RewardLoss;
import java.util.ArrayList;
import java.util.List;

/**
 * Kahneman-Tversky optimization, of replies that were liked or not, each by itself: the mean, by weight, of
 * 1 − σ(β·(ratio − z)) for one that was liked, of 1 − σ(β·(z − ratio)) for one that was not. z is the policy's divergence
 * from the reference, estimated on the batch's replies to one another's prompts, no less than 0, and without gradient.
 *
 * @param beta how soon a reply is liked enough
 * @see <a href="https://arxiv.org/abs/2402.01306">Ethayarajh et al.: KTO: Model Alignment as Prospect Theoretic
 *     Optimization</a>
 */
record KtoLoss(double beta) implements DirectLoss<KtoLoss.Judged> {

    /** A reply with what somebody thought of it. */
    record Judged(Sample reply, boolean liked, double weight) {}

    /** Thumbs and both sides of comparisons; what was not liked weighs as much in all as what was. */
    static List<Judged> judged(List<Comparison> comparisons, List<Vote> votes, double voteWeight) {
        List<Judged> all = new ArrayList<>();
        for (Comparison each : comparisons) {
            all.add(new Judged(each.chosen(), true, each.weight()));
            all.add(new Judged(each.rejected(), false, each.weight()));
        }
        votes.forEach(each -> all.add(new Judged(each.reply(), each.up(), voteWeight * each.weight())));
        double liked = weight(all, true);
        double disliked = weight(all, false);
        double factor = liked == 0 || disliked == 0 ? 1 : liked / disliked;
        return all.stream()
                .map(each -> each.liked() ? each : new Judged(each.reply(), false, factor * each.weight()))
                .toList();
    }

    private static double weight(List<Judged> all, boolean liked) {
        return all.stream()
                .filter(each -> each.liked() == liked)
                .mapToDouble(Judged::weight)
                .sum();
    }

    /** The batch's replies, then those of the next ones to their prompts. */
    @Override
    public List<Sample> replies(List<Judged> batch) {
        List<Sample> replies = new ArrayList<>(batch.stream().map(Judged::reply).toList());
        for (int i = 0; i < batch.size(); i++) {
            Sample next = batch.get((i + 1) % batch.size()).reply();
            replies.add(Sample.of(batch.get(i).reply().prompt(), next.reply()));
        }
        return replies;
    }

    @Override
    public double of(List<Judged> batch, double[] ratios, double[] slopes) {
        double weight = batch.stream().mapToDouble(Judged::weight).sum();
        double divergence = divergence(batch.size(), ratios);
        double loss = 0;
        for (int i = 0; i < batch.size(); i++) {
            Judged each = batch.get(i);
            double sign = each.liked() ? 1 : -1;
            double value = RewardLoss.sigmoid(sign * beta * (ratios[i] - divergence));
            loss += each.weight() / weight * (1 - value);
            slopes[i] = -each.weight() / weight * sign * beta * value * (1 - value);
        }
        return loss;
    }

    /** The mean of the ratios of the replies to other prompts. */
    private static double divergence(int size, double... ratios) {
        double sum = 0;
        for (int i = size; i < 2 * size; i++) {
            sum += ratios[i];
        }
        return Math.max(0, sum / size);
    }

    @Override
    public double accuracy(List<Judged> batch, double[] ratios) {
        double divergence = divergence(batch.size(), ratios);
        int right = 0;
        for (int i = 0; i < batch.size(); i++) {
            right += batch.get(i).liked() == ratios[i] > divergence ? 1 : 0;
        }
        return right / (double) batch.size();
    }
}
