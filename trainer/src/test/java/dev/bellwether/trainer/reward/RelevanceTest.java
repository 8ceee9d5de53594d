package dev.bellwether.trainer.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.checkpoint.RewardScale;
import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.dataset.Vote;
import dev.bellwether.trainer.model.StreamedTransformer;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RelevanceTest {
    private static final int[] NOTHING = {3, 80};

    /** Heads that learn nothing, so that whatever is learned is what relevance is worth. */
    private static final RewardConfig STILL = new RewardConfig(2, 0, 6, 16, .1, 1, .5, 1, 1, .01, 1_800);

    private final Random random = new Random(5);
    private final Checkpoint policy = Checkpoint.open(Path.of("../policy/src/test/resources/reference/llama-tied"));
    private final CheckpointConfig heads = policy.config().asRewardModel(2, Pooling.MEAN);
    private final Weights base = Weights.of(policy, ComputeDevice.CPU);
    private final Transformer transformer = new Transformer(policy.config());
    private final Relevance relevance = new Relevance(transformer, base, NOTHING, 60);

    @AfterEach
    void close() {
        transformer.close();
        base.close();
    }

    private Sample reply(int... prompt) {
        return Sample.of(prompt, random.ints(2 + random.nextInt(8), 40, 95).toArray());
    }

    private static double sum(float... logProbabilities) {
        return IntStream.range(0, logProbabilities.length)
                .mapToDouble(t -> logProbabilities[t])
                .sum();
    }

    @Test
    void isByHowMuchThePromptMakesAReplyLikelier() {
        List<Sample> replies = IntStream.range(0, 20)
                .mapToObj(i -> reply(random.ints(1 + i % 5, 40, 95).toArray()))
                .toList();
        StreamedTransformer alone = new StreamedTransformer(policy);
        double[] found = relevance.of(replies);
        for (int i = 0; i < found.length; i++) {
            Sample unasked = Sample.of(NOTHING, replies.get(i).reply());
            List<float[]> each = alone.logProbabilities(List.of(replies.get(i), unasked));
            assertThat(found[i]).isCloseTo(sum(each.getFirst()) - sum(each.getLast()), within(1e-3));
        }
        assertThat(relevance.of(List.of(reply(NOTHING)))[0]).isZero();
    }

    @Test
    void addsNoMoreThanRepliesThatPleaseHave() {
        Relevance.Term term = new Relevance.Term(2, 1, 5);
        assertThat(term.of(3)).isEqualTo(4);
        assertThat(term.of(5)).isEqualTo(8);
        assertThat(term.of(9)).isEqualTo(8);
        assertThat(term.of(-1)).isEqualTo(-4);
    }

    /** Two replies to a prompt, the more relevant one first. */
    private Comparison comparison() {
        int[] prompt = random.ints(3, 40, 95).toArray();
        Sample one = reply(prompt);
        Sample other = reply(prompt);
        double[] nats = relevance.of(List.of(one, other));
        return nats[0] > nats[1] ? Comparison.of(one, other, 1) : Comparison.of(other, one, 1);
    }

    private RewardModel trained(List<Comparison> comparisons, List<Vote> votes) throws IOException {
        RewardModel model = new RewardModel(
                heads, base.trainable(heads, Optional.empty(), 1), STILL.batchTokens(), Optional.of(relevance));
        new RewardTraining(model, STILL, 1).train(comparisons, votes, Savepoint.NONE, (_, _) -> {});
        return model;
    }

    private static Comparison turned(Comparison each) {
        return Comparison.of(each.rejected(), each.chosen(), 1);
    }

    @Test
    void isWorthWhatJudgementsSay() throws IOException {
        List<Comparison> relevant = Stream.generate(this::comparison).limit(120).toList();
        List<Comparison> either = IntStream.range(0, 120)
                .mapToObj(i -> i % 2 == 0 ? relevant.get(i) : turned(relevant.get(i)))
                .toList();
        List<Comparison> irrelevant =
                relevant.stream().map(RelevanceTest::turned).toList();
        List<Comparison> heldOut = Stream.generate(this::comparison).limit(60).toList();
        try (RewardModel model = trained(relevant, List.of());
                RewardModel indifferent = trained(either, List.of());
                RewardModel averse = trained(irrelevant, List.of())) {
            double worth = model.relevanceTerm().weight();
            assertThat(worth).isPositive();
            assertThat(Calibration.of(model, heldOut).accuracy()).isGreaterThan(.85);
            assertThat(indifferent.relevanceTerm().weight()).isLessThan(.2 * worth);
            assertThat(averse.relevanceTerm().weight())
                    .as("what says nothing to the matter is never rewarded")
                    .isZero();
        }
    }

    @Test
    void isWorthWhatThumbsSay() throws IOException {
        List<Vote> votes = new ArrayList<>();
        for (int i = 0; i < 80; i++) {
            Comparison each = comparison();
            votes.add(new Vote(each.chosen(), true, "mia-" + i, i));
            votes.add(new Vote(each.rejected(), false, "leo-" + i, i));
        }
        try (RewardModel model = trained(List.of(), votes)) {
            assertThat(model.relevanceTerm().weight()).isPositive();
        }
    }

    @Test
    void belongsToWhatAModelIsBesidesItsWeights() {
        try (RewardModel model =
                        new RewardModel(heads, base.trainable(heads, Optional.empty(), 1), 60, Optional.of(relevance));
                RewardModel other = new RewardModel(
                        heads, base.trainable(heads, Optional.empty(), 1), 60, Optional.of(relevance))) {
            List<Sample> replies = List.of(reply(50, 60), reply(51, 61), reply(52, 62));
            model.relevanceTerm(new Relevance.Term(.5, 1, 100));
            model.calibrate(replies);
            other.standing(model.standing());
            assertThat(other.score(replies)).isEqualTo(model.score(replies));
            assertThat(model.headScale()).isNotEqualTo(model.scale());
            float[] alone = new RewardModel(heads, model.weights(), 60).rewards(replies)[1];
            assertThat(model.rewards(replies)[1][0] - alone[0])
                    .isCloseTo((float) (.5 * (relevance.of(replies)[1] - 1)), within(1e-5f));
            other.standing(2, 3);
            assertThat(other.headScale()).isEqualTo(new RewardScale(2, 3)).isEqualTo(other.scale());
            assertThat(other.relevanceTerm()).isEqualTo(Relevance.Term.NONE);
        }
    }
}
