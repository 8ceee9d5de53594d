package dev.bellwether.trainer.reward;

import dev.bellwether.policy.engine.RewardScorer;
import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.dataset.Vote;
import dev.bellwether.trainer.model.LearningRate;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.Pass;
import dev.bellwether.trainer.tensor.Torch;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;

/**
 * Trains a reward model on comparisons and thumbs.
 *
 * <p>A step runs over micro-batches of like length, so that no pair is padded to the longest reply of the step; the
 * loss's derivative by the rewards is taken in closed form.
 *
 * @see <a href="https://arxiv.org/abs/2203.02155">Ouyang et al.: Training language models to follow instructions with
 *     human feedback</a>
 */
public final class RewardTraining {
    private static final double WARMUP = .06;
    private static final double BIAS_RATE = .05;

    private final RewardModel model;
    private final RewardConfig config;
    private final Random random;
    private double bias;

    public RewardTraining(RewardModel model, RewardConfig config, long seed) {
        this.model = model;
        this.config = config;
        this.random = new Random(seed);
    }

    /** What a thumb's probability has on top of the reward. */
    double bias() {
        return bias;
    }

    /**
     * Trains on judgements, and on mismatches of the replies that were judged.
     *
     * @param progress hears the step and their number
     */
    public void train(List<Comparison> judged, List<Vote> votes, BiConsumer<Integer, Integer> progress) {
        List<Comparison> comparisons = new ArrayList<>(judged);
        comparisons.addAll(
                Mismatches.of(served(judged, votes), (int) (config.mismatches() * judged.size()), random.nextLong()));
        float[][] comparisonWeights = bootstrap(comparisons.size());
        float[][] voteWeights = bootstrap(votes.size());
        int perEpoch = Math.max(1, (comparisons.size() + config.batchPairs() - 1) / config.batchPairs());
        int steps = config.epochs() * perEpoch;
        List<Integer> comparisonOrder = List.of();
        List<Integer> voteOrder = List.of();
        int warmup = (int) Math.ceil(WARMUP * steps);
        try (Parameters parameters = new Parameters(model.weights(), Parameters.AdamW.FINE_TUNING)) {
            for (int step = 0; step < steps; step++) {
                int batch = step % perEpoch;
                if (batch == 0) {
                    comparisonOrder = shuffled(comparisons.size());
                    voteOrder = shuffled(votes.size());
                }
                Batch chosen = new Batch();
                for (int i : part(comparisonOrder, batch, perEpoch)) {
                    chosen.add(comparisons.get(i), comparisonWeights[i]);
                }
                for (int i : part(voteOrder, batch, perEpoch)) {
                    chosen.add(votes.get(i), voteWeights[i]);
                }
                step(parameters, chosen, LearningRate.cosine(config.learningRate(), step, steps, warmup));
                progress.accept(step + 1, steps);
            }
        }
    }

    private static List<Sample> served(List<Comparison> comparisons, List<Vote> votes) {
        return Stream.concat(
                        comparisons.stream().flatMap(each -> Stream.of(each.chosen(), each.rejected())),
                        votes.stream().map(Vote::reply))
                .toList();
    }

    private List<Integer> shuffled(int size) {
        List<Integer> order = new ArrayList<>(IntStream.range(0, size).boxed().toList());
        Collections.shuffle(order, random);
        return order;
    }

    private static List<Integer> part(List<Integer> order, int part, int parts) {
        int from = (int) ((long) order.size() * part / parts);
        int to = (int) ((long) order.size() * (part + 1) / parts);
        return order.subList(from, to);
    }

    /** How often each example was drawn for each head. */
    private float[][] bootstrap(int size) {
        float[][] weights = new float[size][config.heads()];
        for (int head = 0; head < config.heads(); head++) {
            for (int draw = 0; draw < size; draw++) {
                weights[random.nextInt(size)][head]++;
            }
        }
        return weights;
    }

    /** Replies of one step: those of comparisons in twos, then those of votes. */
    static final class Batch {
        private final List<Comparison> comparisons = new ArrayList<>();
        private final List<float[]> comparisonWeights = new ArrayList<>();
        private final List<Vote> votes = new ArrayList<>();
        private final List<float[]> voteWeights = new ArrayList<>();

        void add(Comparison comparison, float[] weights) {
            comparisons.add(comparison);
            comparisonWeights.add(weights);
        }

        void add(Vote vote, float[] weights) {
            votes.add(vote);
            voteWeights.add(weights);
        }

        private List<Sample> replies() {
            List<Sample> replies = new ArrayList<>();
            for (Comparison comparison : comparisons) {
                replies.add(comparison.chosen());
                replies.add(comparison.rejected());
            }
            votes.forEach(vote -> replies.add(vote.reply()));
            return replies;
        }

        /** Which of the replies have to be scored together. */
        private List<List<Integer>> groups() {
            int votesFrom = 2 * comparisons.size();
            return Stream.concat(
                            IntStream.range(0, comparisons.size()).mapToObj(i -> List.of(2 * i, 2 * i + 1)),
                            IntStream.range(votesFrom, votesFrom + votes.size()).mapToObj(List::of))
                    .toList();
        }
    }

    private void step(Parameters parameters, Batch batch, double learningRate) {
        double slope = backward(batch);
        parameters.update(learningRate);
        bias -= BIAS_RATE * slope;
    }

    /** Adds the gradients of a batch's loss to those of the model's weights; gives the loss's slope by the bias. */
    double backward(Batch batch) {
        Slopes slopes = new Slopes(batch);
        for (MicroBatch micro : MicroBatch.packTogether(batch.replies(), batch.groups(), config.batchTokens())) {
            try (PointerScope _ = new PointerScope()) {
                Pass pass = model.model().forward(model.weights(), micro);
                Tensor rewards = model.rewards(micro, pass.states());
                Tensor gradient = Torch.floats(
                        model.weights().device(),
                        slopes.of(micro, Torch.toArray(rewards)),
                        micro.size(),
                        model.heads());
                rewards.backward(gradient, new BoolOptional(), false, new TensorArrayRefOptional());
                pass.backward();
            }
        }
        return slopes.biasSlope;
    }

    /** d loss / d reward of one step's replies. */
    private final class Slopes {
        private final Batch batch;
        private final int heads = config.heads();

        /** d loss / d bias, over the votes so far. */
        private double biasSlope;

        private Slopes(Batch batch) {
            this.batch = batch;
        }

        /** From rewards {@code [size * heads]} of a micro-batch their slopes. */
        private float[] of(MicroBatch micro, float[] rewards) {
            float[] slopes = new float[rewards.length];
            int votesFrom = 2 * batch.comparisons.size();
            int row = 0;
            while (row < micro.size()) {
                int reply = micro.index(row);
                if (reply < votesFrom) {
                    comparison(reply / 2, rewards, slopes, row * heads);
                    row += 2;
                } else {
                    vote(reply - votesFrom, rewards, slopes, row * heads);
                    row++;
                }
            }
            return slopes;
        }

        /** The chosen reply's rewards are {@code [at, at + heads)}, the rejected one's follow. */
        private void comparison(int i, float[] rewards, float[] slopes, int at) {
            int pairs = batch.comparisons.size();
            double weight = batch.comparisons.get(i).weight();
            for (int head = 0; head < heads; head++) {
                double chosen = rewards[at + head];
                double rejected = rewards[at + heads + head];
                double slope = weight
                        * batch.comparisonWeights.get(i)[head]
                        * RewardLoss.pairSlope(chosen - rejected, config.smoothing())
                        / pairs;
                double centre = 2 * config.centring() * (chosen + rejected) / (pairs * heads);
                slopes[at + head] = (float) (slope + centre);
                slopes[at + heads + head] = (float) (-slope + centre);
            }
        }

        private void vote(int i, float[] rewards, float[] slopes, int at) {
            int votes = batch.votes.size();
            for (int head = 0; head < heads; head++) {
                double slope = RewardLoss.voteSlope(
                        rewards[at + head], bias, batch.votes.get(i).up(), config.smoothing());
                slopes[at + head] =
                        (float) (config.voteWeight() * batch.voteWeights.get(i)[head] * slope / votes);
                biasSlope += slope / (votes * heads);
            }
        }
    }

    /** Share of {@code comparisons} whose chosen reply scores higher. */
    public static double accuracy(RewardModel model, List<Comparison> comparisons) {
        if (comparisons.isEmpty()) {
            return Double.NaN;
        }
        boolean[] right = right(model, comparisons);
        int count = 0;
        for (boolean each : right) {
            count += each ? 1 : 0;
        }
        return count / (double) right.length;
    }

    /** For each comparison whether the chosen reply scores higher. */
    public static boolean[] right(RewardModel model, List<Comparison> comparisons) {
        List<Sample> replies = new ArrayList<>();
        for (Comparison comparison : comparisons) {
            replies.add(comparison.chosen());
            replies.add(comparison.rejected());
        }
        List<RewardScorer.Score> scores = model.score(replies);
        boolean[] right = new boolean[comparisons.size()];
        for (int i = 0; i < right.length; i++) {
            right[i] = scores.get(2 * i).mean() > scores.get(2 * i + 1).mean();
        }
        return right;
    }
}
