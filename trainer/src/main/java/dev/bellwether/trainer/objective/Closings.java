package dev.bellwether.trainer.objective;

import dev.bellwether.trainer.dataset.Sample;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The phrases that replies close with, and how many close with each: what a policy says at the end of everything, because one
 * reader once liked it, is the best known of the tricks that reward models fall for.
 */
public final class Closings {
    /** Beyond this share a phrase that is new costs a policy in training. */
    private static final double COSTLESS = .1;

    /** A phrase counts as new where it closes so many times as many replies as people preferred. */
    private static final double RISE = 10;

    private static final int TOKENS = 6;

    private final Map<List<Integer>, Integer> counts = new HashMap<>();
    private final int replies;

    private Closings(List<Sample> replies) {
        this.replies = replies.size();
        replies.forEach(each -> counts.merge(closing(each), 1, Integer::sum));
    }

    public static Closings of(List<Sample> replies) {
        return new Closings(replies);
    }

    private static List<Integer> closing(Sample reply) {
        int from = Math.max(reply.promptLength(), reply.length() - TOKENS);
        return Arrays.stream(reply.tokens(), from, reply.length()).boxed().toList();
    }

    /** The share of replies with the phrase that is most frequent of those that are new to {@code usual}; 0 where none is. */
    public double newest(Closings usual) {
        return counts.keySet().stream()
                .mapToDouble(phrase -> isNew(phrase, usual) ? share(phrase) : 0)
                .max()
                .orElse(0);
    }

    /** By how much more replies than is free of cost close as {@code reply} does, with a phrase that is new to {@code usual}. */
    double excess(Sample reply, Closings usual) {
        List<Integer> phrase = closing(reply);
        return isNew(phrase, usual) ? Math.max(0, share(phrase) - COSTLESS) : 0;
    }

    private boolean isNew(List<Integer> phrase, Closings usual) {
        return share(phrase) > RISE * usual.share(phrase);
    }

    private double share(List<Integer> phrase) {
        return counts.getOrDefault(phrase, 0) / (double) Math.max(1, replies);
    }
}
