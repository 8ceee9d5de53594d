package dev.bellwether.trainer.objective;

import dev.bellwether.policy.engine.RewardScorer;
import dev.bellwether.trainer.metrics.Correlation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Sums over the replies and tokens that a step sampled. */
final class StepTotals {
    private final List<Double> scores = new ArrayList<>();
    private final List<Double> lengths = new ArrayList<>();
    private int tokens;
    private int ended;
    private double divergence;
    private double surprise;
    private double gap;
    private double spread;
    private double clipped;

    void token(double divergence, double logProbability, double gap) {
        tokens++;
        this.divergence += divergence;
        this.surprise -= logProbability;
        this.gap += Math.abs(gap);
    }

    void reply(RewardScorer.Score score, double clipped, boolean ended, int length) {
        scores.add(score.mean());
        lengths.add((double) length);
        this.spread += score.spread();
        this.clipped += clipped;
        this.ended += ended ? 1 : 0;
    }

    /** By how much engine and trainer disagree on a token, in nats. */
    double gap() {
        return gap / tokens;
    }

    void report(Map<String, Double> metrics, double klPenalty) {
        double[] scored = scores.stream().mapToDouble(Double::doubleValue).toArray();
        double[] tokensOf = lengths.stream().mapToDouble(Double::doubleValue).toArray();
        int replies = scored.length;
        metrics.put("objective/kl", divergence / replies);
        metrics.put("objective/entropy", surprise / replies);
        metrics.put("objective/scores", Arrays.stream(scored).sum() / replies);
        metrics.put("objective/spread", spread / replies);
        metrics.put("objective/non_score_reward", -klPenalty * divergence / replies);
        metrics.put("objective/rlhf_reward", (clipped - klPenalty * divergence) / replies);
        metrics.put("policy/entropy_avg", surprise / tokens);
        metrics.put("val/num_eos_tokens", (double) ended);
        metrics.put("response/length", tokens / (double) replies);
        metrics.put("response/score_length_correlation", Correlation.of(scored, tokensOf));
        metrics.put("gap/mean", gap());
    }
}
