package dev.bellwether.trainer.reward;

import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.dataset.Vote;
import java.util.List;

/** What a reward model learns from, with a weight that is its own. */
sealed interface Evidence {
    double weight();

    /** Whose judgement it is; nobody's where it needs none. */
    List<String> people();

    List<Sample> replies();

    /**
     * How far a reward model says the same: by how much, on average over its heads, the chosen reply is worth more, or the reply
     * more than one that is as often liked as not.
     *
     * @param rewards {@code [replies][heads]}
     * @param bias what a thumb's probability has on top of the reward
     */
    double margin(List<float[]> rewards, double bias);

    /** The same with another weight. */
    Evidence weighing(double own);

    /** A comparison. */
    record Compared(Comparison comparison, double weight) implements Evidence {
        Compared(Comparison comparison) {
            this(comparison, comparison.weight());
        }

        @Override
        public List<String> people() {
            return comparison.judges();
        }

        @Override
        public List<Sample> replies() {
            return List.of(comparison.chosen(), comparison.rejected());
        }

        @Override
        public double margin(List<float[]> rewards, double bias) {
            return mean(rewards.getFirst()) - mean(rewards.getLast());
        }

        @Override
        public Evidence weighing(double own) {
            return new Compared(comparison, own);
        }
    }

    /** A thumb. */
    record Voted(Vote vote, double weight) implements Evidence {
        @Override
        public List<String> people() {
            return List.of(vote.judge());
        }

        @Override
        public List<Sample> replies() {
            return List.of(vote.reply());
        }

        @Override
        public double margin(List<float[]> rewards, double bias) {
            double liked = mean(rewards.getFirst()) + bias;
            return vote.up() ? liked : -liked;
        }

        @Override
        public Evidence weighing(double own) {
            return new Voted(vote, own);
        }
    }

    private static double mean(float... heads) {
        double sum = 0;
        for (float reward : heads) {
            sum += reward;
        }
        return sum / heads.length;
    }
}
