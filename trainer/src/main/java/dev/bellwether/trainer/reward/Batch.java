package dev.bellwether.trainer.reward;

import dev.bellwether.trainer.dataset.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The evidence of one step, and how often it counts for each head. */
final class Batch {
    final List<Evidence.Compared> comparisons = new ArrayList<>();
    final List<int[]> comparisonDraws = new ArrayList<>();
    final List<Evidence.Voted> votes = new ArrayList<>();
    final List<int[]> voteDraws = new ArrayList<>();

    /** Of each comparison how much more relevant the chosen reply is, in units. */
    final List<Double> comparisonRelevance = new ArrayList<>();

    final List<Double> voteRelevance = new ArrayList<>();
    private double weight;

    /**
     * Adds evidence.
     *
     * @param relevance of a comparison's chosen reply beyond that of the other, or of a vote's, in units
     * @param draws how often it counts for each head
     */
    void add(Evidence evidence, double relevance, int... draws) {
        weight += evidence.weight();
        switch (evidence) {
            case Evidence.Compared compared -> {
                comparisons.add(compared);
                comparisonDraws.add(draws);
                comparisonRelevance.add(relevance);
            }
            case Evidence.Voted voted -> {
                votes.add(voted);
                voteDraws.add(draws);
                voteRelevance.add(relevance);
            }
        }
    }

    /** Of a batch of people none of whom is believed nothing is learned. */
    double share(Evidence evidence) {
        return weight > 0 ? evidence.weight() / weight : 0;
    }

    /** Those of comparisons in twos, then those of votes. */
    List<Sample> replies() {
        List<Sample> replies = new ArrayList<>();
        for (Evidence.Compared each : comparisons) {
            replies.add(each.comparison().chosen());
            replies.add(each.comparison().rejected());
        }
        votes.forEach(each -> replies.add(each.vote().reply()));
        return replies;
    }

    /** Which of the replies have to be scored together. */
    List<List<Integer>> groups() {
        int votesFrom = 2 * comparisons.size();
        return Stream.concat(
                        IntStream.range(0, comparisons.size()).mapToObj(i -> List.of(2 * i, 2 * i + 1)),
                        IntStream.range(votesFrom, votesFrom + votes.size()).mapToObj(List::of))
                .toList();
    }
}
