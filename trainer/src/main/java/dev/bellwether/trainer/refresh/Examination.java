package dev.bellwether.trainer.refresh;

import dev.bellwether.policy.engine.RewardScorer;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.objective.Rollouts.Rollout;
import dev.bellwether.trainer.release.ReleaseGate;
import dev.bellwether.trainer.reward.RewardModel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Takes a candidate through the release gate: replies of candidate and champion to the same prompts, under a judge that
 * learned from people whom PPO's reward model never heard.
 */
final class Examination {
    private static final int PROMPTS = 400;

    /** To each prompt, at least: what is said to it by chance weighs less then. */
    private static final int REPLIES = 2;

    private final Workshop workshop;
    private final RewardModel judge;
    private final Division people;
    private final ReleaseGate gate;
    private final long seed;

    /**
     * @param gate at which the judge has proven itself
     */
    Examination(Workshop workshop, RewardModel judge, Division people, ReleaseGate gate, long seed) {
        this.workshop = workshop;
        this.judge = judge;
        this.people = people;
        this.gate = gate;
        this.seed = seed;
    }

    /**
     * The candidate's replies that were looked at, and what the gate said.
     *
     * @param kl of the candidate from its origin, in nats a reply
     */
    record Result(List<Rollout> replies, double kl, ReleaseGate.Verdict verdict) {}

    /** Examines {@code candidate} against {@code champion}, both in the same shape. */
    Result of(Weights candidate, Weights champion) {
        List<int[]> prompts = workshop.examined(PROMPTS, seed);
        int replies = Math.max(REPLIES, PROMPTS / prompts.size());
        List<int[]> asked = prompts.stream()
                .flatMap(prompt -> Collections.nCopies(replies, prompt).stream())
                .toList();
        List<Rollout> ours = workshop.served(candidate, asked, seed + 1);
        List<Rollout> theirs = workshop.served(champion, asked, seed + 2);
        List<Sample> good = goodReplies();
        double kl = workshop.divergence(candidate, prompts, seed + 1);
        gate.winRate(judge, ours, theirs, replies)
                .divergence(kl)
                .length(ours, workshop.judgements().good())
                .repetition(ours, workshop.usualPhrases(), workshop::written, replies)
                .diversity(ours, replies)
                .perplexity(workshop.perplexity(candidate, good), workshop.perplexity(workshop.base(), good));
        if (!workshop.suite().isEmpty()) {
            gate.suite(workshop.known(candidate), workshop.known(workshop.base()));
        }
        return new Result(ours, kl, gate.verdict());
    }

    /** Replies that people preferred or liked and that the judge finds better than most; none of them trained the policy. */
    private List<Sample> goodReplies() {
        List<Sample> preferred = people.judging().good();
        List<RewardScorer.Score> scores = judge.score(preferred);
        double median = scores.stream()
                .mapToDouble(RewardScorer.Score::mean)
                .sorted()
                .skip(scores.size() / 2)
                .findFirst()
                .orElse(0);
        List<Sample> good = new ArrayList<>();
        for (int i = 0; i < preferred.size(); i++) {
            if (scores.get(i).mean() >= median) {
                good.add(preferred.get(i));
            }
        }
        return good;
    }
}
