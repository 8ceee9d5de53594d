package dev.bellwether.policy.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class KeptTokensTest {
    private final KeptTokens kept = new KeptTokens(4);

    private static int[] tokens(int count) {
        return IntStream.range(0, count).toArray();
    }

    @Test
    void findsTheSlotThatHoldsMostOfABeginning() {
        kept.hold(1, tokens(90), 80);
        kept.hold(2, tokens(90), 90);
        kept.hold(3, tokens(70), 70);
        assertThat(kept.match(tokens(120), 0, 4)).contains(new KeptTokens.Match(2, 90));
        assertThat(kept.match(tokens(120), 3, 4)).contains(new KeptTokens.Match(3, 70));
        assertThat(kept.match(tokens(120), 0, 2)).contains(new KeptTokens.Match(1, 80));
        kept.swap(2, 0);
        assertThat(kept.match(tokens(120), 0, 4)).contains(new KeptTokens.Match(0, 90));
        assertThat(kept.match(tokens(120), 1, 4)).contains(new KeptTokens.Match(1, 80));
    }

    @Test
    void leavesAtLeastTheLastTokenToBeRead() {
        kept.hold(0, tokens(100), 100);
        assertThat(kept.match(tokens(100), 0, 4)).contains(new KeptTokens.Match(0, 99));
        assertThat(kept.match(tokens(80), 0, 4)).contains(new KeptTokens.Match(0, 79));
    }

    @Test
    void takesNothingThatIsShortOrOtherwise() {
        kept.hold(0, tokens(100), 60);
        assertThat(kept.match(tokens(100), 0, 4)).isEmpty();
        kept.hold(0, tokens(100), 100);
        assertThat(kept.match(tokens(300), 0, 4)).isEmpty();
        int[] other = tokens(100);
        other[30] = -1;
        assertThat(kept.match(other, 0, 4)).isEmpty();
        kept.hold(0, tokens(100), 0);
        assertThat(kept.match(tokens(100), 0, 4)).isEmpty();
    }

    @Test
    void letsTheOldestGoFirstAndWhatIsTooShortBeforeIt() {
        for (int slot = 0; slot < 4; slot++) {
            kept.hold(slot, tokens(90), slot == 2 ? 10 : 90);
        }
        assertThat(kept.leastWorth(0, 4)).isEqualTo(2);
        kept.hold(2, tokens(90), 90);
        assertThat(kept.leastWorth(0, 4)).isZero();
        assertThat(kept.lessWorth(0, 1)).isTrue();
        assertThat(kept.lessWorth(2, 1)).isFalse();
    }
}
