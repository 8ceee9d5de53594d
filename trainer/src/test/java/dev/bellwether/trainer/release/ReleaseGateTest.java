package dev.bellwether.trainer.release;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.ppo.Rollouts.Rollout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

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
        assertThat(Bootstrap.lowerBound(values, clusters, 1)).isCloseTo(.474, within(.004));
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
        assertThat(Bootstrap.lowerBound(values, few, 1)).isLessThan(Bootstrap.lowerBound(values, many, 1));
    }

    @Test
    void resamplesHeadsAndPrompts() {
        double[][] agreed = {{1, 1, 1, 1}, {1, 1, 1, 1}};
        double[][] split = {{1, 1, 1, 1}, {0, 0, 0, 0}};
        assertThat(Bootstrap.lowerBound(agreed, 1)).isEqualTo(1);
        assertThat(Bootstrap.lowerBound(split, 1)).isZero();
    }

    @Test
    void refusesAPolicyThatSaysTheSameToEverything() {
        List<Rollout> same = IntStream.range(0, 20)
                .mapToObj(prompt -> new Rollout(Sample.of(new int[] {prompt}, new int[] {7, 0}), new float[2], true))
                .toList();
        ReleaseGate.Verdict verdict = new ReleaseGate(15, 1).diversity(same).verdict();
        assertThat(verdict.passed()).isFalse();
        assertThat(verdict.reasons())
                .containsExactly("it has 0.05 different replies for each different prompt, needed are 0.35");
    }
}
