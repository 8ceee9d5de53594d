package dev.bellwether.trainer.dataset;

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
     * Comparisons to measure by, none of them to learn from. Where there are few, a reply that was liked stands beside one, to
     * another prompt, that was not: that tells whether a reward model knows good from bad, if not whether it knows the better of
     * two replies to one prompt. No vote is in two.
     */
    public List<Comparison> contrasts() {
        if (comparisons.size() >= COMPARISONS_ENOUGH) {
            return comparisons;
        }
        List<Vote> liked = inOrder(Vote::up);
        List<Vote> disliked = inOrder(vote -> !vote.up());
        Stream<Comparison> contrasts = IntStream.range(0, Math.min(liked.size(), disliked.size()))
                .mapToObj(i -> contrast(liked.get(i), disliked.get(i)));
        return Stream.concat(comparisons.stream(), contrasts).toList();
    }

    private List<Vote> inOrder(Predicate<Vote> which) {
        return votes.stream()
                .filter(which)
                .sorted(Comparator.comparingLong(Vote::time))
                .toList();
    }

    private static Comparison contrast(Vote liked, Vote disliked) {
        return new Comparison(
                liked.reply(),
                disliked.reply(),
                Math.min(liked.weight(), disliked.weight()),
                List.of(liked.judge(), disliked.judge()),
                Math.max(liked.time(), disliked.time()),
                null,
                Comparison.Shown.APART);
    }
}
