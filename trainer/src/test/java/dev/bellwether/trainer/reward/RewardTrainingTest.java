package dev.bellwether.trainer.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Comparison.Shown;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.dataset.Vote;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.tensor.ComputeDevice;
import dev.bellwether.trainer.tensor.Torch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.IntFunction;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RewardTrainingTest {
    private static final Path CHECKPOINT = Path.of("../policy/src/test/resources/reference/llama-tied");
    private static final int GOOD = 40;
    private static final int POOR = 41;

    private final Random random = new Random(3);

    /** A reply of any length that says {@code token}. */
    private Sample reply(int[] prompt, int token) {
        int[] reply = new int[2 + random.nextInt(12)];
        Arrays.fill(reply, token);
        return Sample.of(prompt, reply);
    }

    private List<Comparison> comparisons(int count) {
        List<Comparison> comparisons = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int[] prompt = random.ints(3, 50, 90).toArray();
            comparisons.add(Comparison.of(reply(prompt, GOOD), reply(prompt, POOR), 1));
        }
        return comparisons;
    }

    private List<Vote> votes(int count) {
        List<Vote> votes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            boolean up = i % 2 == 0;
            votes.add(new Vote(reply(random.ints(3, 50, 90).toArray(), up ? GOOD : POOR), up, "mia", i));
        }
        return votes;
    }

    private record Trained(float[] weights, double bias, Relevance.Term relevance, double accuracy) {}

    private static Trained train(
            RewardConfig config, List<Comparison> comparisons, List<Vote> votes, List<Comparison> heldOut)
            throws IOException {
        return train(Optional.empty(), config, comparisons, votes, heldOut, Savepoint.NONE);
    }

    private static Trained train(
            Optional<LoraConfig> lora,
            RewardConfig config,
            List<Comparison> comparisons,
            List<Vote> votes,
            List<Comparison> heldOut,
            Savepoint savepoint)
            throws IOException {
        Checkpoint policy = Checkpoint.open(CHECKPOINT);
        CheckpointConfig reward = policy.config().asRewardModel(config.heads(), Pooling.MEAN);
        try (Weights base = Weights.of(policy, ComputeDevice.CPU);
                Transformer transformer = new Transformer(policy.config());
                RewardModel model = new RewardModel(
                        reward,
                        base.trainable(reward, lora, 1),
                        config.batchTokens(),
                        Optional.of(new Relevance(transformer, base, new int[] {3, 80}, 1_800)))) {
            RewardTraining training = new RewardTraining(model, config, 1);
            training.train(comparisons, votes, savepoint, (step, steps) -> {});
            return new Trained(
                    model.weights().toArray(),
                    training.bias(),
                    model.relevanceTerm(),
                    Calibration.of(model, heldOut).accuracy());
        }
    }

    private static RewardConfig config(double learningRate, int epochs, int batchTokens) {
        return new RewardConfig(2, learningRate, epochs, 16, .1, 1, .5, 1, 1, .01, batchTokens);
    }

    @Test
    void learnsWhatComparisonsAndThumbsAgreeOn() throws IOException {
        List<Comparison> heldOut = comparisons(50);
        assertThat(train(config(3e-3, 6, 1_800), comparisons(96), votes(48), heldOut)
                        .accuracy())
                .isGreaterThan(.9);
    }

    @Test
    void learnsTheSameByAdapters() throws IOException {
        List<Comparison> heldOut = comparisons(50);
        Trained trained = train(
                Optional.of(LoraConfig.DEFAULT),
                config(3e-3, 6, 1_800),
                comparisons(96),
                votes(48),
                heldOut,
                Savepoint.NONE);
        assertThat(trained.accuracy()).isGreaterThan(.9);
    }

    @Test
    void learnsFromThumbsAlone() throws IOException {
        List<Comparison> heldOut = comparisons(50);
        assertThat(train(config(3e-3, 6, 1_800), List.of(), votes(96), heldOut).accuracy())
                .isGreaterThan(.9);
    }

    @Test
    void learnsTheSameHoweverItsStepsAreCutIntoBatches() throws IOException {
        List<Comparison> comparisons = comparisons(20);
        List<Vote> votes = votes(7);
        Trained whole = train(config(1e-3, 1, 10_000), comparisons, votes, List.of());
        Trained cut = train(config(1e-3, 1, 60), comparisons, votes, List.of());
        assertThat(cut.weights()).containsExactly(whole.weights(), within(2e-4f));
        assertThat(cut.bias()).isCloseTo(whole.bias(), within(1e-7)).isNotZero();
    }

    /** Keeps every step, and dies behind one. */
    private static final class Mortal implements Savepoint {
        private final List<float[]> vectors = new ArrayList<>();
        private double[] numbers = {};
        private int parametersSteps;
        private int left;

        private Mortal(int left) {
            this.left = left;
        }

        private static List<Tensor> vectors(Parameters parameters) {
            return List.of(parameters.weights().vector(), parameters.momentum(), parameters.variance());
        }

        @Override
        public Optional<double[]> restore(Parameters parameters) {
            if (vectors.isEmpty()) {
                return Optional.empty();
            }
            try (NoGradGuard _ = new NoGradGuard()) {
                for (int i = 0; i < vectors.size(); i++) {
                    vectors(parameters)
                            .get(i)
                            .copy_(Torch.floats(ComputeDevice.CPU, vectors.get(i), vectors.get(i).length));
                }
            }
            parameters.resumeAfter(parametersSteps);
            return Optional.of(numbers);
        }

        @Override
        public boolean due() {
            return true;
        }

        @Override
        public void save(Parameters parameters, double... standing) throws IOException {
            vectors.clear();
            vectors(parameters).forEach(vector -> vectors.add(Torch.toArray(vector)));
            numbers = standing;
            parametersSteps = parameters.steps();
            if (--left == 0) {
                throw new IOException("dies");
            }
        }
    }

    /** Behind the 46 steps of the first of two epochs training begins anew, without those who are not believed. */
    @ParameterizedTest
    @ValueSource(ints = {46, 100})
    void endsInTheSameWeightsWhereverItWasCutOff(int step) throws IOException {
        List<Comparison> comparisons = contradicted(comparisons(240), i -> "person-" + i % 10);
        RewardConfig config = config(3e-3, 2, 1_800);
        List<Vote> votes = votes(7);
        Trained whole = train(config, comparisons, votes, List.of());
        Mortal mortal = new Mortal(step);
        assertThatThrownBy(() -> train(Optional.empty(), config, comparisons, votes, List.of(), mortal))
                .hasMessage("dies");
        Trained resumed = train(Optional.empty(), config, comparisons, votes, List.of(), mortal);
        assertThat(resumed.weights()).isEqualTo(whole.weights());
        assertThat(resumed.bias()).isEqualTo(whole.bias());
        assertThat(resumed.relevance()).isEqualTo(whole.relevance());
    }

    /** Three of ten judgements say the opposite. */
    private static List<Comparison> contradicted(List<Comparison> all, IntFunction<String> people) {
        List<Comparison> contradicted = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            Comparison each = all.get(i);
            boolean opposite = i % 10 < 3;
            Sample chosen = opposite ? each.rejected() : each.chosen();
            Sample rejected = opposite ? each.chosen() : each.rejected();
            contradicted.add(new Comparison(chosen, rejected, 1, List.of(people.apply(i)), i, null, Shown.APART));
        }
        return contradicted;
    }

    /** Three of ten people say the opposite of what the others say, twelve times each. */
    @Test
    void learnsWhatMostPeopleMeanWhereSomeSayTheOpposite() throws IOException {
        List<Comparison> all = comparisons(120);
        List<Comparison> named = contradicted(all, i -> "person-" + i % 10);
        List<Comparison> unnamed = contradicted(all, i -> "person-" + i);
        RewardConfig config = config(3e-3, 6, 1_800);
        List<Comparison> heldOut = comparisons(100);
        double sure = margin(config, named, heldOut);
        assertThat(sure).isGreaterThan(1.5 * margin(config, unnamed, heldOut));
        assertThat(train(config, named, List.of(), heldOut).accuracy()).isGreaterThan(.9);
    }

    /** Nine of ten people take what they are shown first, and four of five times that is the good reply. */
    @Test
    void doesNotTakeWhatWasShownFirstForWhatIsBetter() throws IOException {
        List<Comparison> known = new ArrayList<>();
        List<Comparison> unknown = new ArrayList<>();
        List<Comparison> all = comparisons(100);
        for (int i = 0; i < all.size(); i++) {
            boolean goodFirst = i % 5 > 0;
            boolean first = i % 10 != 3;
            Sample chosen =
                    goodFirst == first ? all.get(i).chosen() : all.get(i).rejected();
            Sample rejected =
                    goodFirst == first ? all.get(i).rejected() : all.get(i).chosen();
            Shown shown = first ? Shown.FIRST : Shown.SECOND;
            known.add(new Comparison(chosen, rejected, 1, List.of(), i, null, shown));
            unknown.add(new Comparison(chosen, rejected, 1, List.of(), i, null, Shown.APART));
        }
        RewardConfig config = new RewardConfig(2, 1e-3, 8, 16, .1, 1, 0, 1, 1, .01, 1_800);
        List<Comparison> heldOut = comparisons(100);
        assertThat(margin(config, known, heldOut)).isLessThan(.5 * margin(config, unknown, heldOut));
    }

    /** By how much chosen replies are worth more. */
    private static double margin(RewardConfig config, List<Comparison> comparisons, List<Comparison> heldOut)
            throws IOException {
        Checkpoint policy = Checkpoint.open(CHECKPOINT);
        CheckpointConfig reward = policy.config().asRewardModel(config.heads(), Pooling.MEAN);
        try (Weights base = Weights.of(policy, ComputeDevice.CPU);
                RewardModel model =
                        new RewardModel(reward, base.trainable(reward, Optional.empty(), 1), config.batchTokens())) {
            new RewardTraining(model, config, 1).train(comparisons, List.of(), Savepoint.NONE, (step, steps) -> {});
            return Calibration.of(model, heldOut).margin();
        }
    }
}
