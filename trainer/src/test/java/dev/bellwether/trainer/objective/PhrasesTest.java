package dev.bellwether.trainer.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.trainer.dataset.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PhrasesTest {
    private static final int[] PHRASE = {20, 21, 22, 23, 24, 25};

    /** Replies with four tokens of their own, and in the first {@code with} of them the phrase behind so many of those. */
    private static List<Sample> replies(int count, int with, int behind) {
        List<Sample> replies = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int own = 100 + 10 * i;
            IntStream reply = i < with
                    ? IntStream.concat(
                            IntStream.range(own, own + behind),
                            IntStream.concat(IntStream.of(PHRASE), IntStream.range(own + behind, own + 4)))
                    : IntStream.range(own, own + 10);
            replies.add(Sample.of(new int[] {1, 2 + i}, reply.toArray()));
        }
        return replies;
    }

    /** A quarter of the replies; ten times as many as were preferred; half of them; twice as many as were preferred. */
    @ParameterizedTest
    @CsvSource({"0, .25", "2, .25", "3, .3", "5, .5", "20, .5", "40, .8", "50, 1"})
    void mayStandInAQuarterOfTheRepliesOrMoreWherePeoplePreferredThem(int preferred, double allowed) {
        Phrases.Frequency worst = Phrases.of(replies(100, 100, 0)).worst(Phrases.of(replies(100, preferred, 0)));
        assertThat(worst.share()).isEqualTo(1);
        assertThat(worst.allowed()).isCloseTo(allowed, within(1e-9));
    }

    @ParameterizedTest
    @CsvSource({"0", "2", "4"})
    void areFoundAtTheBeginningInTheMiddleAndAtTheEnd(int behind) {
        Phrases preferred = Phrases.of(replies(100, 2, 0));
        assertThat(Phrases.of(replies(10, 6, behind)).worst(preferred).share()).isCloseTo(.6, within(1e-9));
    }

    @Test
    void ofAShortReplyAreTheReplyItself() {
        List<Sample> short3 = IntStream.range(0, 4)
                .mapToObj(i -> Sample.of(new int[] {1, i}, new int[] {7, 8, i < 2 ? 9 : 10 + i}))
                .toList();
        assertThat(Phrases.of(short3).worst(Phrases.of(List.of())).share()).isEqualTo(.5);
    }

    @Test
    void costWhatIsBeyondAFifthOfTheReplies() {
        List<Sample> replies = replies(20, 10, 2);
        Phrases phrases = Phrases.of(replies);
        assertThat(phrases.excess(replies.getFirst(), Phrases.of(replies(100, 2, 0))))
                .as("a half, of which a fifth costs nothing")
                .isCloseTo(.3, within(1e-9));
        assertThat(phrases.excess(replies.getFirst(), Phrases.of(replies(100, 50, 0))))
                .as("as many as people preferred")
                .isZero();
        assertThat(phrases.excess(replies.getLast(), Phrases.of(replies(100, 2, 0))))
                .isZero();
    }
}
