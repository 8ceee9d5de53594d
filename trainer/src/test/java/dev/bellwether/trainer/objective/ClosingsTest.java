package dev.bellwether.trainer.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.trainer.dataset.Sample;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClosingsTest {
    private static final int[] THANKS = {20, 21, 22, 23, 24, 25};

    /** Replies of which the first {@code closed} close with the phrase, and all others each in a way of their own. */
    private static List<Sample> replies(int count, int closed) {
        List<Sample> replies = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int[] own = {30 + i, 31 + i, 32 + i, 33 + i, 34 + i, 35 + i};
            replies.add(Sample.of(new int[] {1, 2 + i}, i < closed ? THANKS : own));
        }
        return replies;
    }

    @Test
    void findsThePhraseThatPeopleDidNotAskFor() {
        Closings usual = Closings.of(replies(100, 2));
        assertThat(Closings.of(replies(10, 6)).newest(usual)).isCloseTo(.6, within(1e-9));
        assertThat(Closings.of(replies(10, 2)).newest(Closings.of(replies(10, 2))))
                .as("a fifth of what people preferred closes so")
                .isZero();
    }

    @Test
    void costsWhatIsBeyondATenthOfTheReplies() {
        List<Sample> replies = replies(20, 10);
        Closings closings = Closings.of(replies);
        assertThat(closings.excess(replies.getFirst(), Closings.of(replies(100, 2))))
                .isCloseTo(.4, within(1e-9));
        assertThat(closings.excess(replies.getFirst(), Closings.of(replies(100, 5))))
                .isZero();
        assertThat(closings.excess(replies.getLast(), Closings.of(replies(100, 2))))
                .isZero();
    }
}
