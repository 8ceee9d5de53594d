package dev.bellwether.trainer.release;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.objective.Phrases;
import dev.bellwether.trainer.objective.Rollouts.Rollout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReleaseGateTest {
    @Test
    void noticesARepeatedRunOfTokens() {
        int[] once = IntStream.range(0, 30).toArray();
        int[] twice = IntStream.range(0, 30).map(i -> i % 15).toArray();
        assertThat(ReleaseGate.loops(once)).isFalse();
        assertThat(ReleaseGate.loops(twice)).isTrue();
    }

    @Test
    void boundsACoinNearItsNormalQuantile() {
        double[] values = new double[1_000];
        List<String> clusters = new ArrayList<>();
        for (int i = 0; i < values.length; i++) {
            values[i] = i % 2;
            clusters.add("user" + i);
        }
        // .5 − 1.645·√(.25 / 1000)
        assertThat(Bootstrap.lowerBound(values, clusters, .05, 1)).isCloseTo(.474, within(.004));
    }

    @Test
    void isLowerWhereLessErrorIsAllowed() {
        double[][] values = {
            new Random(4).doubles(200).toArray(), new Random(5).doubles(200).toArray()
        };
        // A deviation of 1/√12 over the root of 200, 1.645 and 3.090 times, below means that are about ½.
        double often = Bootstrap.lowerBound(values, .05, 1);
        double seldom = Bootstrap.lowerBound(values, .001, 1);
        assertThat(often - seldom).isCloseTo((3.090 - 1.645) / Math.sqrt(12 * 200), within(.015));
    }

    @Test
    void isLessSureWhenFewPeopleSaidMuch() {
        Random random = new Random(3);
        double[] values = new double[400];
        List<String> many = new ArrayList<>();
        List<String> few = new ArrayList<>();
        for (int i = 0; i < values.length; i++) {
            boolean likes = new Random(i / 40).nextDouble() < .7;
            values[i] = likes == random.nextDouble() < .9 ? 1 : 0;
            many.add("user" + i);
            few.add("user" + i / 40);
        }
        assertThat(Bootstrap.lowerBound(values, few, .05, 1)).isLessThan(Bootstrap.lowerBound(values, many, .05, 1));
    }

    @Test
    void resamplesHeadsAndPrompts() {
        double[][] agreed = {{1, 1, 1, 1}, {1, 1, 1, 1}};
        double[][] split = {{1, 1, 1, 1}, {0, 0, 0, 0}};
        assertThat(Bootstrap.lowerBound(agreed, .05, 1)).isEqualTo(1);
        assertThat(Bootstrap.lowerBound(split, .05, 1)).isZero();
    }

    @Test
    void refusesAPolicyThatSaysTheSameToEverything() {
        List<Rollout> same = IntStream.range(0, 20)
                .mapToObj(prompt -> new Rollout(Sample.of(new int[] {prompt}, new int[] {7, 0}), new float[2], true))
                .toList();
        ReleaseGate.Verdict verdict =
                new ReleaseGate(15, .05, 1).diversity(same, 1).verdict();
        assertThat(verdict.passed()).isFalse();
        assertThat(verdict.reasons())
                .containsExactly("it has 0.05 different replies for each different prompt, needed are 0.50");
    }

    /** σ(2) = .8808, σ(0) = ½, σ(−1) = .2689. */
    @Test
    void countsAsAWinWhatTheJudgeExpectsOfPeople() {
        double[][] wins = ReleaseGate.wins(new float[][] {{3, 1}, {0, 2}}, new float[][] {{1, 1}, {1, 0}}, 1);
        assertThat(wins[0]).containsExactly(new double[] {.8808, .2689}, within(1e-4));
        assertThat(wins[1]).containsExactly(new double[] {.5, .8808}, within(1e-4));
    }

    /** Each of one against each of the other: σ(1), σ(0), σ(3), σ(2) are .7311, .5, .9526, .8808. */
    @Test
    void comparesAllRepliesToAPrompt() {
        double[][] wins = ReleaseGate.wins(new float[][] {{1}, {3}, {0}, {0}}, new float[][] {{0}, {1}, {0}, {0}}, 2);
        assertThat(wins[0]).containsExactly(new double[] {(.7311 + .5 + .9526 + .8808) / 4, .5}, within(1e-4));
    }

    private static Sample reply(int prompt, int... tokens) {
        return Sample.of(new int[] {prompt}, tokens);
    }

    /** Replies of 8 tokens, the first {@code closed} of them with the same six at the end. */
    private static List<Sample> closing(int count, int closed) {
        return IntStream.range(0, count)
                .mapToObj(i -> i < closed
                        ? reply(i, 100 + i, 200 + i, 1, 2, 3, 4, 5, 0)
                        : reply(i, 100 + i, 200 + i, 300 + i, 400 + i, 500 + i, 600 + i, 5, 0))
                .toList();
    }

    private static List<Rollout> rollouts(List<Sample> samples) {
        return samples.stream()
                .map(each -> new Rollout(each, new float[each.replyLength()], true))
                .toList();
    }

    /**
     * Of a hundred replies so many close alike; of a hundred preferred ones as many, and of a hundred of the first policy's. Of a
     * hundred with a chance of .25 each, 33 come with probability .045, of .3 39 with .034, of .5 59 with .044, of .8 88 with .025; one
     * less comes with more than .05.
     */
    @ParameterizedTest
    @CsvSource({
        "32, 0, 0, true",
        "33, 0, 0, false",
        "33, 2, 2, false",
        "37, 3, 3, true",
        "39, 3, 3, false",
        "58, 10, 10, true",
        "59, 10, 10, false",
        "86, 40, 40, true",
        "88, 40, 40, false",
        "100, 60, 55, true",
        "58, 40, 5, true",
        "59, 40, 5, false"
    })
    void refusesAPhraseThatStandsInMoreRepliesThanPeopleAskedFor(int ours, int theirs, int first, boolean passed) {
        Phrases.Usual usual = new Phrases.Usual(
                Phrases.of(closing(100, theirs)), Phrases.of(closing(100, theirs)), Phrases.of(closing(100, first)));
        ReleaseGate.Verdict verdict = new ReleaseGate(15, .05, 1)
                .repetition(rollouts(closing(100, ours)), usual, Arrays::toString, 1)
                .verdict();
        assertThat(verdict.passed()).isEqualTo(passed);
        if (!passed) {
            assertThat(verdict.numbers()).containsEntry("phrase", ours / 100.0);
            assertThat(verdict.reasons()).singleElement().asString().startsWith(ours + ".0 % of its replies hold \"[");
        }
    }

    /** Preferred replies have 1 to 20 tokens: a twentieth is shorter than 2, a twentieth longer than 19. */
    @ParameterizedTest
    @CsvSource({"1, false", "2, true", "20, true", "21, false"})
    void refusesRepliesThatAreShorterOrLongerThanThosePreferred(int length, boolean passed) {
        List<Sample> preferred = IntStream.rangeClosed(1, 20)
                .mapToObj(each -> reply(1, new int[each]))
                .toList();
        List<Rollout> ours = rollouts(List.of(reply(1, new int[length])));
        ReleaseGate.Verdict verdict =
                new ReleaseGate(15, .05, 1).length(ours, preferred).verdict();
        assertThat(verdict.passed()).isEqualTo(passed);
        assertThat(verdict.numbers()).containsEntry("reply_tokens", (double) length);
    }

    @Test
    void boundsDivergenceAndPerplexityByThePolicyThatAllRefreshesStartFrom() {
        assertThat(new ReleaseGate(15, .05, 1)
                        .divergence(15)
                        .perplexity(12, 10)
                        .verdict()
                        .passed())
                .isTrue();
        ReleaseGate.Verdict verdict = new ReleaseGate(15, .05, 1)
                .divergence(15.1)
                .perplexity(12.1, 10)
                .verdict();
        assertThat(verdict.reasons())
                .containsExactly(
                        "it is 15.1 nats a reply from its reference, allowed are 15.0",
                        "its perplexity on good replies is 12.10, that of the policy it comes from 10.00");
        assertThat(new ReleaseGate(15, .05, 1)
                        .perplexity(Double.NaN, 10)
                        .verdict()
                        .passed())
                .isFalse();
    }

    private static Suite.Result knows(int from, int to, double perplexity) {
        boolean[] known = new boolean[20];
        Arrays.fill(known, from, to, true);
        return new Suite.Result(known, perplexity);
    }

    /** Of five that one of the two knows alone all are the first policy's by chance in one of 32 cases; of four in one of 16. */
    @ParameterizedTest
    @CsvSource({"0, 20, true", "4, 20, true", "5, 20, false", "1, 12, false", "3, 20, true"})
    void refusesACandidateThatUnlearnedWhatTheFirstPolicyKnew(int from, int to, boolean passed) {
        ReleaseGate.Verdict verdict = new ReleaseGate(15, .05, 1)
                .suite(knows(from, to, 11), knows(0, 20, 10))
                .verdict();
        assertThat(verdict.passed()).isEqualTo(passed);
        assertThat(verdict.numbers())
                .containsEntry("suite_known", (to - from) / 20.0)
                .containsEntry("suite_known_first", 1.0);
    }

    @Test
    void countsWhatWasLearnedAgainstWhatWasUnlearned() {
        // Six unlearned and two learned: .1445 by chance. Without those two, .0156.
        assertThat(new ReleaseGate(15, .05, 1)
                        .suite(knows(6, 20, 10), knows(0, 18, 10))
                        .verdict()
                        .passed())
                .isTrue();
        assertThat(new ReleaseGate(15, .05, 1)
                        .suite(knows(6, 18, 10), knows(0, 18, 10))
                        .verdict()
                        .reasons())
                .containsExactly(
                        "it knows 60.0 % of the suite's answers, the first policy 90.0 %: 6 unlearned, 0 learned");
        assertThat(new ReleaseGate(15, .05, 1)
                        .suite(knows(0, 18, 12.1), knows(0, 18, 10))
                        .verdict()
                        .reasons())
                .containsExactly("its perplexity on the suite's answers is 12.10, that of the first policy 10.00");
    }
}
