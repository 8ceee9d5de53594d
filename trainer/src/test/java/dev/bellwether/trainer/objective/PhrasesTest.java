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

    /** In so many of a hundred replies that people preferred, and of a hundred of the first policy's own. */
    private static Phrases.Usual usual(int preferred, int first) {
        return usual(preferred, preferred, first);
    }

    private static Phrases.Usual usual(int preferred, int rejected, int first) {
        return new Phrases.Usual(
                Phrases.of(replies(100, preferred, 0)),
                Phrases.of(replies(100, rejected, 0)),
                Phrases.of(replies(100, first, 0)));
    }

    /** In twice as many as those in which it made the difference. */
    @ParameterizedTest
    @CsvSource({"50, 0, 1", "100, 0, 1", "60, 40, .5", "60, 20, .8", "4, 0, .4"})
    void mayStandWherePeopleAskForThem(int preferred, int rejected, double allowed) {
        assertThat(Phrases.of(replies(100, 100, 0))
                        .worst(usual(preferred, rejected, 0))
                        .allowed())
                .isCloseTo(allowed, within(1e-9));
    }

    /**
     * A quarter of the replies; ten times as many as were preferred; half of them; twice as many as the first policy says, however
     * many were preferred since.
     */
    @ParameterizedTest
    @CsvSource({
        "0, 0, .25",
        "2, 2, .25",
        "3, 3, .3",
        "5, 5, .5",
        "20, 20, .5",
        "40, 40, .8",
        "50, 50, 1",
        "60, 20, .5",
        "60, 30, .6",
        "2, 40, .25"
    })
    void mayStandInAQuarterOfTheRepliesOrMoreWherePeoplePreferredThem(int preferred, int first, double allowed) {
        Phrases.Frequency worst = Phrases.of(replies(100, 100, 0)).worst(usual(preferred, first));
        assertThat(worst.share()).isEqualTo(1);
        assertThat(worst.allowed()).isCloseTo(allowed, within(1e-9));
    }

    @ParameterizedTest
    @CsvSource({"0", "2", "4"})
    void areFoundAtTheBeginningInTheMiddleAndAtTheEnd(int behind) {
        assertThat(Phrases.of(replies(10, 6, behind)).worst(usual(2, 2)).share())
                .isCloseTo(.6, within(1e-9));
    }

    /** A kind end of few words, behind something else each time. */
    @ParameterizedTest
    @CsvSource({"2, false", "3, true", "4, true", "5, true"})
    void areFoundAtTheEndWhenTheyAreShorter(int length, boolean found) {
        List<Sample> replies = IntStream.range(0, 10)
                .mapToObj(i -> Sample.of(
                        new int[] {1, i},
                        IntStream.concat(IntStream.range(100 + 10 * i, 108 + 10 * i), IntStream.range(20, 20 + length))
                                .toArray()))
                .toList();
        assertThat(Phrases.of(replies).worst(usual(0, 0)).share()).isEqualTo(found ? 1 : .1);
    }

    @Test
    void ofAShortReplyAreTheReplyItself() {
        List<Sample> short3 = IntStream.range(0, 4)
                .mapToObj(i -> Sample.of(new int[] {1, i}, new int[] {7, 8, i < 2 ? 9 : 10 + i}))
                .toList();
        assertThat(Phrases.of(short3).worst(usual(0, 0)).share()).isEqualTo(.5);
    }

    @Test
    void costWhatIsBeyondAFifthOfTheReplies() {
        List<Sample> replies = replies(20, 10, 2);
        Phrases phrases = Phrases.of(replies);
        assertThat(phrases.excess(replies.getFirst(), usual(2, 2)))
                .as("a half, of which a fifth costs nothing")
                .isCloseTo(.3, within(1e-9));
        assertThat(phrases.excess(replies.getFirst(), usual(50, 50)))
                .as("as many as people preferred")
                .isZero();
        assertThat(phrases.excess(replies.getLast(), usual(2, 2))).isZero();
    }
}
