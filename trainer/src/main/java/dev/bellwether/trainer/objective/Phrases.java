package dev.bellwether.trainer.objective;

import dev.bellwether.trainer.dataset.Sample;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Phrases, and how many of some replies hold each: what a policy says in everything, because one reader once liked it, is the
 * best known of the tricks that reward models fall for. A flattering beginning, a question asked back and a kind end are all
 * phrases.
 */
public final class Phrases {
    /** No phrase is too frequent that stands in fewer replies. */
    private static final double ALLOWED_LEAST = .25;

    /** A phrase that people prefer may stand in half of the replies, or twice as many as they preferred with it. */
    private static final double ALLOWED_OF_LIKED = .5;

    private static final double RISE_OF_LIKED = 2;

    /** It is one that people prefer in so far as it stands in a tenth as many of what they preferred. */
    private static final double RISE = 10;

    /** How far below what is allowed a phrase begins to cost a policy in training. */
    private static final double CAUTION = .05;

    private static final int TOKENS = 6;

    private final Map<List<Integer>, Integer> counts = new HashMap<>();
    private final int replies;

    /**
     * A phrase of some replies.
     *
     * @param phrase its tokens; none where there is no reply
     * @param share of the replies that hold it
     * @param allowed share that may
     */
    public record Frequency(List<Integer> phrase, double share, double allowed) {
        double excess() {
            return share - allowed;
        }
    }

    private Phrases(List<Sample> replies) {
        this.replies = replies.size();
        replies.forEach(reply -> phrases(reply).forEach(phrase -> counts.merge(phrase, 1, Integer::sum)));
    }

    public static Phrases of(List<Sample> replies) {
        return new Phrases(replies);
    }

    /** Every run of six tokens, the end token among them; a shorter reply is one phrase. */
    private static Set<List<Integer>> phrases(Sample reply) {
        int last = Math.max(reply.promptLength(), reply.length() - TOKENS);
        Set<List<Integer>> phrases = new HashSet<>();
        for (int from = reply.promptLength(); from <= last; from++) {
            phrases.add(Arrays.stream(reply.tokens(), from, Math.min(from + TOKENS, reply.length()))
                    .boxed()
                    .toList());
        }
        return phrases;
    }

    /** The phrase that is furthest beyond what is allowed, or least below it. */
    public Frequency worst(Phrases preferred) {
        return counts.keySet().stream()
                .map(phrase -> frequency(phrase, preferred))
                .max(Comparator.comparingDouble(Frequency::excess))
                .orElse(new Frequency(List.of(), 0, ALLOWED_LEAST));
    }

    /** By how much more of these replies hold a phrase of {@code reply} than may without cost. */
    double excess(Sample reply, Phrases preferred) {
        return phrases(reply).stream()
                .mapToDouble(phrase -> frequency(phrase, preferred).excess() + CAUTION)
                .filter(excess -> excess > 0)
                .max()
                .orElse(0);
    }

    private Frequency frequency(List<Integer> phrase, Phrases preferred) {
        double usual = preferred.share(phrase);
        double liked = Math.min(RISE * usual, Math.max(ALLOWED_OF_LIKED, RISE_OF_LIKED * usual));
        return new Frequency(phrase, share(phrase), Math.max(ALLOWED_LEAST, liked));
    }

    private double share(List<Integer> phrase) {
        return counts.getOrDefault(phrase, 0) / (double) Math.max(1, replies);
    }
}
