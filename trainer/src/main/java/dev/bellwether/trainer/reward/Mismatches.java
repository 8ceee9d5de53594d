package dev.bellwether.trainer.reward;

import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Sample;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Comparisons that need no judgement: a good reply to its prompt over a good reply to a similar prompt, so that only what
 * they are about tells them apart. They keep relevance in the reward.
 */
final class Mismatches {
    private static final int ATTEMPTS = 10;

    private final List<Sample> good;
    private final List<Set<Integer>> words;
    private final RewardConfig config;
    private final Random random;

    private Mismatches(List<Sample> good, RewardConfig config, long seed) {
        this.good = good;
        this.words = good.stream()
                .map(each -> Arrays.stream(each.prompt()).boxed().collect(Collectors.toUnmodifiableSet()))
                .toList();
        this.config = config;
        this.random = new Random(seed);
    }

    /**
     * Mismatches among replies that somebody liked or preferred.
     *
     * @param good replies, each to its prompt
     */
    static List<Comparison> of(List<Sample> good, RewardConfig config, long seed) {
        return good.size() < 2 ? List.of() : new Mismatches(good, config, seed).drawn();
    }

    private List<Comparison> drawn() {
        int count = (int) Math.round(config.mismatches() * good.size());
        List<Comparison> mismatches = new ArrayList<>();
        for (int attempt = 0; attempt < ATTEMPTS * count && mismatches.size() < count; attempt++) {
            int here = random.nextInt(good.size());
            int there = near(here);
            int[] prompt = good.get(here).prompt();
            int[] reply = good.get(there).reply();
            if (!Arrays.equals(prompt, good.get(there).prompt())
                    && !Arrays.equals(reply, good.get(here).reply())) {
                mismatches.add(Comparison.of(good.get(here), Sample.of(prompt, reply), config.mismatchWeight()));
            }
        }
        return mismatches;
    }

    /** Of a few that are drawn the one whose prompt has most tokens in common, without being the same. */
    private int near(int here) {
        int nearest = random.nextInt(good.size());
        for (int draw = 1; draw < config.near(); draw++) {
            int other = random.nextInt(good.size());
            if (similarity(here, other) > similarity(here, nearest)) {
                nearest = other;
            }
        }
        return nearest;
    }

    /** Jaccard's index of the tokens of two prompts; 0 for the same prompt. */
    private double similarity(int here, int there) {
        Set<Integer> ours = words.get(here);
        Set<Integer> theirs = words.get(there);
        if (Arrays.equals(good.get(here).prompt(), good.get(there).prompt())) {
            return 0;
        }
        long shared = ours.stream().filter(theirs::contains).count();
        return shared / (double) (ours.size() + theirs.size() - shared);
    }
}
