package dev.bellwether.gateway.serving;

import dev.bellwether.policy.engine.RewardScorer.Score;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** Which of several replies go out, by what the reward model thinks of them. */
@FunctionalInterface
public interface Choice {
    /** The best ones, best first. */
    Choice BEST = (scores, number) -> ranked(scores).subList(0, number);

    /** The best ones for people to compare, in the order in which they came: where one is shown must not say what it is worth. */
    Choice BEST_COMPARED = (scores, number) ->
            ranked(scores).subList(0, number).stream().sorted().toList();

    /**
     * The two of which the heads disagree most on which people would prefer, so that the answer teaches most; in the order in
     * which they came.
     *
     * @see <a href="https://arxiv.org/abs/2603.17378">Efficient Exploration at Scale</a>
     */
    Choice DOUBTED = (scores, number) -> doubted(scores);

    /** Indexes of {@code number} of {@code scores}. */
    List<Integer> of(List<Score> scores, int number);

    /** Indexes, the best first. */
    static List<Integer> ranked(List<Score> scores) {
        return IntStream.range(0, scores.size())
                .boxed()
                .sorted(Comparator.comparingDouble(i -> -scores.get(i).mean()))
                .toList();
    }

    private static List<Integer> doubted(List<Score> scores) {
        List<Integer> most = List.of(0, 1);
        double doubt = -1;
        for (int one = 0; one < scores.size(); one++) {
            for (int other = one + 1; other < scores.size(); other++) {
                double between = scores.get(one).doubt(scores.get(other));
                if (between > doubt) {
                    doubt = between;
                    most = List.of(one, other);
                }
            }
        }
        return most;
    }
}
