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

    /**
     * A phrase that people prefer may stand in half of the replies, or in twice as many as the first policy's own, or as prefer it:
     * by those that hold it and are preferred it would be allowed a little more with every promotion.
     */
    private static final double ALLOWED_OF_LIKED = .5;

    private static final double RISE_OF_LIKED = 2;

    /** It is one that people prefer in so far as it stands in a tenth as many of what they preferred. */
    private static final double RISE = 10;

    /** How far below what is allowed a phrase begins to cost a policy in training. */
    private static final double CAUTION = .05;

    private static final int TOKENS = 6;

    /** What replies end with, the end token included, is a phrase from this length on: what stands before it may vary. */
    private static final int END_TOKENS = 3;

    private final Map<List<Integer>, Integer> counts = new HashMap<>();
    private final int replies;

    /**
     * What phrases are usual.
     *
     * @param preferred those of the replies that people preferred
     * @param rejected those of the replies that they preferred these to
     * @param first those of the first policy's own replies
     */
    public record Usual(Phrases preferred, Phrases rejected, Phrases first) {
        public static final Usual NONE = new Usual(Phrases.of(List.of()), Phrases.of(List.of()), Phrases.of(List.of()));

        private double allowed(List<Integer> phrase) {
            double asked = Math.max(first.share(phrase), preferred.share(phrase) - rejected.share(phrase));
            double most = Math.min(1, Math.max(ALLOWED_OF_LIKED, RISE_OF_LIKED * asked));
            return Math.max(ALLOWED_LEAST, Math.min(RISE * preferred.share(phrase), most));
        }
    }

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

    /** Every run of six tokens, the end token among them, and the last three to five; a shorter reply is one phrase. */
    private static Set<List<Integer>> phrases(Sample reply) {
        int last = Math.max(reply.promptLength(), reply.length() - TOKENS);
        Set<List<Integer>> phrases = new HashSet<>();
        for (int from = reply.promptLength(); from <= last; from++) {
            phrases.add(Arrays.stream(reply.tokens(), from, Math.min(from + TOKENS, reply.length()))
                    .boxed()
                    .toList());
        }
        for (int length = END_TOKENS; length < Math.min(TOKENS, reply.replyLength()); length++) {
            phrases.add(Arrays.stream(reply.tokens(), reply.length() - length, reply.length())
                    .boxed()
                    .toList());
        }
        return phrases;
    }

    /** The phrase that is furthest beyond what is allowed, or least below it. */
    public Frequency worst(Usual usual) {
        return counts.keySet().stream()
                .map(phrase -> frequency(phrase, usual))
                .max(Comparator.comparingDouble(Frequency::excess))
                .orElse(new Frequency(List.of(), 0, ALLOWED_LEAST));
    }

    /** By how much more of these replies hold a phrase of {@code reply} than may without cost. */
    double excess(Sample reply, Usual usual) {
        return phrases(reply).stream()
                .mapToDouble(phrase -> frequency(phrase, usual).excess() + CAUTION)
                .filter(excess -> excess > 0)
                .max()
                .orElse(0);
    }

    private Frequency frequency(List<Integer> phrase, Usual usual) {
        return new Frequency(phrase, share(phrase), usual.allowed(phrase));
    }

    private double share(List<Integer> phrase) {
        return counts.getOrDefault(phrase, 0) / (double) Math.max(1, replies);
    }
}
