package dev.bellwether.trainer.reward;

import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.dataset.Vote;
import dev.bellwether.trainer.model.LearningRate;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.Pass;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.tensor.Torch;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;
import java.util.function.Function;
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
    private static final double SIDE_RATE = .2;
    private static final double RELEVANCE_RATE = .2;

    /** Where evidence gives fewer steps, batches are smaller and the learning rate is higher, twice at most. */
    private static final double STEPS_FEW = 100;

    private static final double HASTE_MOST = 2;

    /** With a handful of steps nothing is learned, however clear it is. */
    private static final int STEPS_LEAST = 50;

    /** Where less of the evidence can be believed, what it has taught so far is forgotten. */
    private static final double BELIEVED_LEAST = .95;

    private final RewardModel model;
    private final RewardConfig config;
    private final Random random;
    private double bias;

    /** By how much more, in logits, people prefer the reply that they are shown first; no reply's reward holds any of it. */
    private double side;

    /** What relevance is worth, in logits for each unit of {@link Relevances}. */
    private double relevance;

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
     * Trains on judgements, and on mismatches of the replies that were liked or preferred. How many steps there are follows
     * from the weight of all that, whatever it is made of; where it is little, steps are smaller, not fewer. From the second
     * epoch on a person's judgements count as far as they are {@linkplain Reliability reliable}; where much does not, training
     * begins anew without it.
     *
     * @param savepoint goes on where it was cut off, and ends as if it had not been
     * @param progress hears the step and their number
     */
    public void train(
            List<Comparison> judged, List<Vote> votes, Savepoint savepoint, BiConsumer<Integer, Integer> progress)
            throws IOException {
        List<Evidence> all = new ArrayList<>();
        judged.forEach(each -> all.add(new Evidence.Compared(each)));
        votes.forEach(each -> all.add(new Evidence.Voted(each, config.voteWeight() * each.weight())));
        Relevances relevances = Relevances.of(all, model.relevance());
        Mismatches.of(good(judged, votes), config, random.nextLong())
                .forEach(each -> all.add(new Evidence.Compared(each)));
        Epochs epochs = new Epochs(all, relevances, bootstrap(all.size()), random.nextLong(), savepoint, progress);
        try (Weights beginning = model.weights().copy();
                Parameters parameters = new Parameters(model.weights(), Parameters.AdamW.FINE_TUNING)) {
            savepoint.restore(parameters).ifPresent(epochs::resume);
            if (!epochs.run(parameters)) {
                model.weights().take(beginning);
                parameters.reset();
                epochs.beginAnew();
                epochs.run(parameters);
            }
        }
    }

    /** Epochs over the evidence; after the first it is weighed by what the model has come to think of people. */
    private final class Epochs {
        private final List<Evidence> evidence;
        private final Relevances relevances;
        private final int[][] draws;
        private final long seed;
        private final Savepoint savepoint;
        private final BiConsumer<Integer, Integer> progress;

        /** Whether to end after the first epoch where much less can be believed. */
        private boolean doubting = true;

        /** As the evidence is weighed in the first epoch. */
        private List<Evidence> believed;

        /** As it is weighed now. */
        private List<Evidence> weighed;

        private int made;

        private Epochs(
                List<Evidence> evidence,
                Relevances relevances,
                int[][] draws,
                long seed,
                Savepoint savepoint,
                BiConsumer<Integer, Integer> progress) {
            this.evidence = evidence;
            this.relevances = relevances;
            this.draws = draws;
            this.seed = seed;
            this.savepoint = savepoint;
            this.progress = progress;
            this.believed = evidence;
            this.weighed = evidence;
        }

        private void beginAnew() {
            doubting = false;
            believed = weighed;
            made = 0;
            bias = 0;
            side = 0;
            value(0);
        }

        private void value(double worth) {
            relevance = worth;
            model.relevanceTerm(relevances.term(worth));
        }

        private double[] position() {
            double[] standing = {doubting ? 1 : 0, made, bias, side, relevance};
            return Stream.of(
                            Arrays.stream(standing),
                            believed.stream().mapToDouble(Evidence::weight),
                            weighed.stream().mapToDouble(Evidence::weight))
                    .flatMapToDouble(Function.identity())
                    .toArray();
        }

        private void resume(double... position) {
            doubting = position[0] > 0;
            made = (int) position[1];
            bias = position[2];
            side = position[3];
            // Savepoints of before hold nothing of relevance.
            int from = position.length - 2 * evidence.size();
            value(from > 4 ? position[4] : 0);
            believed = weighing(position, from);
            weighed = weighing(position, from + evidence.size());
        }

        private List<Evidence> weighing(double[] position, int from) {
            return IntStream.range(0, evidence.size())
                    .mapToObj(i -> evidence.get(i).weighing(position[from + i]))
                    .toList();
        }

        /** Runs to the end; false where much less can be believed after the first epoch, and training has to begin anew. */
        private boolean run(Parameters parameters) throws IOException {
            double haste =
                    Math.clamp(STEPS_FEW * config.batchWeight() / (config.epochs() * weight(believed)), 1, HASTE_MOST);
            int perEpoch = Math.max(
                    (int) Math.ceil(haste * weight(believed) / config.batchWeight()),
                    Math.clamp(Math.ceilDiv(STEPS_LEAST, config.epochs()), 1, Math.max(1, evidence.size())));
            int steps = config.epochs() * perEpoch;
            int warmup = (int) Math.ceil(WARMUP * steps);
            List<Integer> order = shuffled(made / perEpoch);
            while (made < steps) {
                int part = made % perEpoch;
                if (part == 0) {
                    order = shuffled(made / perEpoch);
                }
                if (made == perEpoch) {
                    weighed = Reliability.weigh(evidence, model, bias, config.smoothing());
                    if (doubting && weight(weighed) < BELIEVED_LEAST * weight(believed)) {
                        return false;
                    }
                }
                Batch batch = new Batch();
                for (int i : part(order, part, perEpoch)) {
                    batch.add(weighed.get(i), relevances.of(i), draws[i]);
                }
                Offsets slopes = backward(batch);
                parameters.update(LearningRate.cosine(haste * config.learningRate(), made, steps, warmup));
                bias -= BIAS_RATE * slopes.bias();
                side -= SIDE_RATE * slopes.side();
                value(Math.max(0, relevance - RELEVANCE_RATE * slopes.relevance()));
                made++;
                if (savepoint.due()) {
                    savepoint.save(parameters, position());
                }
                progress.accept(made, steps);
            }
            return true;
        }

        /** The order of an epoch, its own in each pass. */
        private List<Integer> shuffled(int epoch) {
            List<Integer> order =
                    new ArrayList<>(IntStream.range(0, evidence.size()).boxed().toList());
            Collections.shuffle(order, new SplittableRandom(seed + 2L * epoch + (doubting ? 0 : 1)));
            return order;
        }
    }

    private static double weight(List<Evidence> evidence) {
        return evidence.stream().mapToDouble(Evidence::weight).sum();
    }

    /** Replies that somebody preferred or liked. */
    private static List<Sample> good(List<Comparison> comparisons, List<Vote> votes) {
        return Stream.concat(
                        comparisons.stream().map(Comparison::chosen),
                        votes.stream().filter(Vote::up).map(Vote::reply))
                .toList();
    }

    private static List<Integer> part(List<Integer> order, int part, int parts) {
        int from = (int) ((long) order.size() * part / parts);
        int to = (int) ((long) order.size() * (part + 1) / parts);
        return order.subList(from, to);
    }

    /** How often each piece of evidence was drawn for each head. */
    private int[][] bootstrap(int size) {
        int[][] draws = new int[size][config.heads()];
        for (int head = 0; head < config.heads(); head++) {
            for (int draw = 0; draw < size; draw++) {
                draws[random.nextInt(size)][head]++;
            }
        }
        return draws;
    }

    /** The loss's slopes by what is added to rewards. */
    record Offsets(double bias, double side, double relevance) {}

    /** Adds the gradients of a batch's loss to those of the model's weights; gives its slopes by the others. */
    Offsets backward(Batch batch) {
        Slopes slopes = new Slopes(batch);
        for (MicroBatch micro : MicroBatch.packTogether(
                batch.replies(), batch.groups(), model.weights().device().batchTokens(config.batchTokens()))) {
            try (PointerScope _ = Torch.scope()) {
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
        return new Offsets(slopes.biasSlope, slopes.sideSlope, slopes.relevanceSlope);
    }

    /** d loss / d reward of one step's replies. */
    private final class Slopes {
        private final Batch batch;
        private final int heads = config.heads();

        /** d loss / d bias, over the votes so far. */
        private double biasSlope;

        /** d loss / d side, over the duels so far. */
        private double sideSlope;

        /** d loss / d relevance, over all judgements so far. */
        private double relevanceSlope;

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
            double share = batch.share(batch.comparisons.get(i));
            int shown = batch.comparisons.get(i).comparison().shown().sign();
            double nearer = batch.comparisonRelevance.get(i);
            for (int head = 0; head < heads; head++) {
                double chosen = rewards[at + head];
                double rejected = rewards[at + heads + head];
                double slope = batch.comparisonDraws.get(i)[head]
                        * RewardLoss.pairSlope(
                                chosen - rejected + shown * side + nearer * relevance, config.smoothing());
                sideSlope += share * slope * shown / heads;
                relevanceSlope += share * slope * nearer / heads;
                double centre = 2 * config.centring() * (chosen + rejected);
                slopes[at + head] = (float) (share * (centre + slope));
                slopes[at + heads + head] = (float) (share * (centre - slope));
            }
        }

        private void vote(int i, float[] rewards, float[] slopes, int at) {
            double share = batch.share(batch.votes.get(i));
            boolean up = batch.votes.get(i).vote().up();
            double near = batch.voteRelevance.get(i);
            for (int head = 0; head < heads; head++) {
                double slope = share
                        * batch.voteDraws.get(i)[head]
                        * RewardLoss.voteSlope(rewards[at + head] + near * relevance, bias, up, config.smoothing());
                slopes[at + head] = (float) slope;
                biasSlope += slope / heads;
                relevanceSlope += slope * near / heads;
            }
        }
    }
}
