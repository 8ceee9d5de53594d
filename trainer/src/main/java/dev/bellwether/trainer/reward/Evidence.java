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
     * The probability, under a reward model, that people think the same.
     *
     * @param rewards {@code [replies][heads]}
     * @param bias what a thumb's probability has on top of the reward
     */
    double agreement(List<float[]> rewards, double bias);

    /** The same with {@code factor} times its weight. */
    Evidence times(double factor);

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
        public double agreement(List<float[]> rewards, double bias) {
            double agreement = 0;
            float[] chosen = rewards.getFirst();
            for (int head = 0; head < chosen.length; head++) {
                agreement += RewardLoss.sigmoid(chosen[head] - rewards.getLast()[head]) / chosen.length;
            }
            return agreement;
        }

        @Override
        public Evidence times(double factor) {
            return new Compared(comparison, factor * weight);
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
        public double agreement(List<float[]> rewards, double bias) {
            double agreement = 0;
            float[] heads = rewards.getFirst();
            for (float reward : heads) {
                agreement += RewardLoss.sigmoid(vote.up() ? reward + bias : -(reward + bias)) / heads.length;
            }
            return agreement;
        }

        @Override
        public Evidence times(double factor) {
            return new Voted(vote, factor * weight);
        }
    }
}
