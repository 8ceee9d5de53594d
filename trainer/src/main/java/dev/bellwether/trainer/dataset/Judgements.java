package dev.bellwether.trainer.dataset;

import dev.bellwether.event.PreferencePair.Origin;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What people said: which of two replies they prefer, and of replies by themselves whether they like them. */
public record Judgements(List<Comparison> comparisons, List<Vote> votes) {
    /** So many comparisons measure well enough by themselves. */
    private static final int COMPARISONS_ENOUGH = 30;

    public Judgements {
        comparisons = List.copyOf(comparisons);
        votes = List.copyOf(votes);
    }

    public boolean isEmpty() {
        return comparisons.isEmpty() && votes.isEmpty();
    }

    /** What these people alone said; a comparison that others made with them is not among it. */
    public Judgements of(Predicate<String> people) {
        return new Judgements(
                comparisons.stream()
                        .filter(each -> each.judges().stream().allMatch(people))
                        .toList(),
                votes.stream().filter(each -> people.test(each.judge())).toList());
    }

    /**
     * Comparisons to measure a reward model by: of replies that none chose because it could not tell, where there are enough,
     * else all that there are.
     */
    public List<Comparison> fair() {
        List<Comparison> fair = comparisons.stream()
                .filter(each -> each.origin() != Origin.DOUBTED_DUEL)
                .toList();
        return enough(fair) ? fair : comparisons;
    }

    /**
     * Replies that were liked beside others, to other prompts, that were not: what there is to measure by where people gave
     * thumbs alone; none where they compared enough. No vote is in two. Nothing is learned from these, since across prompts
     * a preference measures how hard the questions were.
     */
    public List<Comparison> contrasts() {
        if (enough(comparisons)) {
            return List.of();
        }
        List<Vote> liked = inOrder(Vote::up);
        List<Vote> disliked = inOrder(vote -> !vote.up());
        int number = Math.min(liked.size(), disliked.size());
        boolean likedFirst = liked.size() == number;
        return IntStream.range(0, number)
                .mapToObj(i -> contrast(spread(liked, i, number), spread(disliked, i, number), likedFirst))
                .toList();
    }

    /** Replies that people preferred, and where few compared, those that they liked, too. */
    public List<Sample> good() {
        return Stream.concat(comparisons.stream(), contrasts().stream())
                .map(Comparison::chosen)
                .toList();
    }

    /** The others, likewise. */
    public List<Sample> bad() {
        return Stream.concat(comparisons.stream(), contrasts().stream())
                .map(Comparison::rejected)
                .toList();
    }

    /** Whether comparisons measure well enough by themselves. */
    private static boolean enough(List<Comparison> comparisons) {
        return comparisons.size() >= COMPARISONS_ENOUGH;
    }

    /** One of {@code number} votes that are as far apart as can be. */
    private static Vote spread(List<Vote> votes, int i, int number) {
        return votes.get((int) ((long) i * votes.size() / number));
    }

    private List<Vote> inOrder(Predicate<Vote> which) {
        return votes.stream()
                .filter(which)
                .sorted(Comparator.comparingLong(Vote::time))
                .toList();
    }

    /** Named first is who is rarer: one person may have given most of the rarer votes. */
    private static Comparison contrast(Vote liked, Vote disliked, boolean likedFirst) {
        return new Comparison(
                liked.reply(),
                disliked.reply(),
                Math.min(liked.weight(), disliked.weight()),
                likedFirst ? List.of(liked.judge(), disliked.judge()) : List.of(disliked.judge(), liked.judge()),
                Math.max(liked.time(), disliked.time()),
                null,
                Comparison.Shown.APART);
    }
}
