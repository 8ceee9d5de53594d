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
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.StreamedTransformer;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
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
    private static final RewardConfig STILL = new RewardConfig(2, 0, 3, 16, .1, 1, .5, 1, 1, .01, 1_800);

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
        Sample better = each.rejected();
        Sample worse = each.chosen();
        return Comparison.of(better, worse, 1);
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

    /** Replies one and two of a comparison, three of a vote, four and five of a comparison; a mismatch behind them. */
    @Test
    void isMeasuredForEachPieceOfEvidence() {
        List<Sample> all =
                IntStream.range(0, 5).mapToObj(i -> reply(50 + i, 60)).toList();
        double[] nats = relevance.of(all);
        List<Evidence> judged = List.of(
                new Evidence.Compared(Comparison.of(all.get(0), all.get(1), 1), 1),
                new Evidence.Voted(new Vote(all.get(2), true, "mia", 0), .5),
                new Evidence.Compared(Comparison.of(all.get(3), all.get(4), 1), 2));
        Relevances found = Relevances.of(judged, Optional.of(relevance));
        double usual = Arrays.stream(nats).average().orElseThrow();
        assertThat(found.usual()).isCloseTo(usual, within(1e-4));
        double[] capped =
                Arrays.stream(nats).map(each -> Math.min(each, found.most())).toArray();
        assertThat(capped).as("more than those have that please").isNotEqualTo(nats);
        double[] own = {capped[0] - capped[1], capped[2] - usual, capped[3] - capped[4]};
        double unit = Math.sqrt((own[0] * own[0] + .5 * own[1] * own[1] + 2 * own[2] * own[2]) / 3.5);
        assertThat(found.unit()).isCloseTo(unit, within(1e-4));
        for (int i = 0; i < own.length; i++) {
            assertThat(found.of(i)).isCloseTo(own[i] / unit, within(1e-4));
        }
        assertThat(found.of(3)).isZero();
        assertThat(found.term(2).weight()).isCloseTo(2 / unit, within(1e-4));
        assertThat(Relevances.of(judged, Optional.empty()).term(2)).isEqualTo(Relevance.Term.NONE);
        List<Evidence> disliked = List.of(new Evidence.Voted(new Vote(all.getFirst(), false, "mia", 0), 1));
        assertThat(Relevances.of(disliked, Optional.of(relevance)).term(2)).isEqualTo(Relevance.Term.NONE);
    }

    @Test
    void hasTheSlopeOfTheLoss() {
        RewardConfig config = new RewardConfig(2, 0, 1, 16, .1, .5, 0, 1, 1, 0, 1_800);
        Sample one = reply(50, 60);
        Sample other = reply(50, 60);
        try (RewardModel model = new RewardModel(heads, base.trainable(heads, Optional.empty(), 1), 1_800);
                Parameters _ = new Parameters(model.weights(), Parameters.AdamW.FINE_TUNING)) {
            Batch batch = new Batch();
            batch.add(new Evidence.Compared(Comparison.of(one, other, 1)), 1.7, 1, 2);
            batch.add(new Evidence.Voted(new Vote(one, false, "mia", 0), .5), -.6, 2, 1);
            float[][] rewards = model.rewards(List.of(one, other));
            double slope = new RewardTraining(model, config, 1).backward(batch).relevance();
            double up = loss(rewards, 1e-4);
            double down = loss(rewards, -1e-4);
            assertThat(slope).isCloseTo((up - down) / 2e-4, within(1e-6)).isNotZero();
        }
    }

    /** Of the batch above, a mean over two heads, where relevance is worth so much. */
    private static double loss(float[][] rewards, double worth) {
        double loss = 0;
        for (int head = 0; head < 2; head++) {
            double margin = rewards[0][head] - rewards[1][head] + 1.7 * worth;
            loss += 1 / 1.5 * (1 + head) * RewardLoss.pair(margin, .1) / 2;
            loss += .5 / 1.5 * (2 - head) * RewardLoss.vote(rewards[0][head] - .6 * worth, 0, false, .1) / 2;
        }
        return loss;
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
