package dev.bellwether.trainer.objective;

import dev.bellwether.policy.engine.RewardScorer;
import java.util.Map;

/** Sums over the replies and tokens that a step sampled. */
final class StepTotals {
    private int replies;
    private int tokens;
    private int ended;
    private double divergence;
    private double surprise;
    private double gap;
    private double score;
    private double spread;
    private double clipped;

    void token(double divergence, double logProbability, double gap) {
        tokens++;
        this.divergence += divergence;
        this.surprise -= logProbability;
        this.gap += Math.abs(gap);
    }

    void reply(RewardScorer.Score score, double clipped, boolean ended) {
        replies++;
        this.score += score.mean();
        this.spread += score.spread();
        this.clipped += clipped;
        this.ended += ended ? 1 : 0;
    }

    /** By how much engine and trainer disagree on a token, in nats. */
    double gap() {
        return gap / tokens;
    }

    void report(Map<String, Double> metrics, double klPenalty) {
        metrics.put("objective/kl", divergence / replies);
        metrics.put("objective/entropy", surprise / replies);
        metrics.put("objective/scores", score / replies);
        metrics.put("objective/spread", spread / replies);
        metrics.put("objective/non_score_reward", -klPenalty * divergence / replies);
        metrics.put("objective/rlhf_reward", (clipped - klPenalty * divergence) / replies);
        metrics.put("policy/entropy_avg", surprise / tokens);
        metrics.put("val/num_eos_tokens", (double) ended);
        metrics.put("response/length", tokens / (double) replies);
        metrics.put("gap/mean", gap());
    }
}
