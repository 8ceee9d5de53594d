package dev.bellwether.trainer.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.dataset.Vote;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

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

    private record Trained(float[] weights, double bias, double accuracy) {}

    private static Trained train(
            RewardConfig config, List<Comparison> comparisons, List<Vote> votes, List<Comparison> heldOut) {
        return train(Optional.empty(), config, comparisons, votes, heldOut);
    }

    private static Trained train(
            Optional<LoraConfig> lora,
            RewardConfig config,
            List<Comparison> comparisons,
            List<Vote> votes,
            List<Comparison> heldOut) {
        Checkpoint policy = Checkpoint.open(CHECKPOINT);
        CheckpointConfig reward = policy.config().asRewardModel(config.heads(), Pooling.MEAN);
        try (Weights base = Weights.of(policy, ComputeDevice.CPU);
                RewardModel model = new RewardModel(reward, base.trainable(reward, lora, 1), config.batchTokens())) {
            RewardTraining training = new RewardTraining(model, config, 1);
            training.train(comparisons, votes, (step, steps) -> {});
            return new Trained(
                    model.weights().toArray(),
                    training.bias(),
                    Calibration.of(model, heldOut).accuracy());
        }
    }

    private static RewardConfig config(double learningRate, int epochs, int batchTokens) {
        return new RewardConfig(2, learningRate, epochs, 16, .1, 1, .5, 1, 1, .01, batchTokens);
    }

    @Test
    void learnsWhatComparisonsAndThumbsAgreeOn() {
        List<Comparison> heldOut = comparisons(50);
        assertThat(train(config(3e-3, 6, 1_800), comparisons(96), votes(48), heldOut)
                        .accuracy())
                .isGreaterThan(.9);
    }

    @Test
    void learnsTheSameByAdapters() {
        List<Comparison> heldOut = comparisons(50);
        Trained trained =
                train(Optional.of(LoraConfig.DEFAULT), config(3e-3, 6, 1_800), comparisons(96), votes(48), heldOut);
        assertThat(trained.accuracy()).isGreaterThan(.9);
    }

    @Test
    void learnsFromThumbsAlone() {
        List<Comparison> heldOut = comparisons(50);
        assertThat(train(config(3e-3, 6, 1_800), List.of(), votes(96), heldOut).accuracy())
                .isGreaterThan(.9);
    }

    @Test
    void learnsTheSameHoweverItsStepsAreCutIntoBatches() {
        List<Comparison> comparisons = comparisons(20);
        List<Vote> votes = votes(7);
        Trained whole = train(config(1e-3, 1, 10_000), comparisons, votes, List.of());
        Trained cut = train(config(1e-3, 1, 60), comparisons, votes, List.of());
        assertThat(cut.weights()).containsExactly(whole.weights(), within(2e-4f));
        assertThat(cut.bias()).isCloseTo(whole.bias(), within(1e-7)).isNotZero();
    }

    /** Three of ten people say the opposite of what the others say, twelve times each. */
    @Test
    void learnsWhatMostPeopleMeanWhereSomeSayTheOpposite() {
        List<Comparison> named = new ArrayList<>();
        List<Comparison> unnamed = new ArrayList<>();
        List<Comparison> all = comparisons(120);
        for (int i = 0; i < all.size(); i++) {
            Comparison each = all.get(i);
            boolean opposite = i % 10 < 3;
            Sample chosen = opposite ? each.rejected() : each.chosen();
            Sample rejected = opposite ? each.chosen() : each.rejected();
            named.add(new Comparison(chosen, rejected, 1, List.of("person-" + i % 10), i, null));
            unnamed.add(new Comparison(chosen, rejected, 1, List.of("person-" + i), i, null));
        }
        RewardConfig config = config(3e-3, 6, 1_800);
        List<Comparison> heldOut = comparisons(100);
        double sure = margin(config, named, heldOut);
        assertThat(sure).isGreaterThan(1.5 * margin(config, unnamed, heldOut));
        assertThat(train(config, named, List.of(), heldOut).accuracy()).isGreaterThan(.9);
    }

    /** By how much chosen replies are worth more. */
    private static double margin(RewardConfig config, List<Comparison> comparisons, List<Comparison> heldOut) {
        Checkpoint policy = Checkpoint.open(CHECKPOINT);
        CheckpointConfig reward = policy.config().asRewardModel(config.heads(), Pooling.MEAN);
        try (Weights base = Weights.of(policy, ComputeDevice.CPU);
                RewardModel model =
                        new RewardModel(reward, base.trainable(reward, Optional.empty(), 1), config.batchTokens())) {
            new RewardTraining(model, config, 1).train(comparisons, List.of(), (step, steps) -> {});
            return Calibration.of(model, heldOut).margin();
        }
    }
}
