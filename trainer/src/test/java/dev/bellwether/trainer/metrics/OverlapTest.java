package dev.bellwether.trainer.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The numbers of sacreBLEU 2.6.0 ({@code BLEU().corpus_score}) and rouge-score 0.1.2 ({@code RougeScorer(['rougeL'])}). */
class OverlapTest {
    private static final List<List<String>> PAIRS = List.of(
            List.of(
                    "Your card is on its way, it arrives within 3-5 days.",
                    "Your card is on its way and arrives in 3-5 days."),
            List.of("We charge 1.5 % (at most £2.00) for that.", "We charge 1.5 %, at most £2.00."),
            List.of(
                    "I'm sorry; please open the app & tap \"help\".",
                    "I'm sorry. Please open the app and tap \"help\"."),
            List.of("No.", "That is not possible, I am afraid."));

    @ParameterizedTest
    @CsvSource({
        "0, 58.282339541526554, 0.8333333333333334",
        "1, 31.702331385234313, 0.888888888888889",
        "2, 42.50281413416977, 0.9473684210526316",
        "3, 0, 0"
    })
    void areThoseOfTheUsualLibraries(int pair, double bleu, double rougeL) {
        Bleu alone = new Bleu();
        alone.add(PAIRS.get(pair).getFirst(), PAIRS.get(pair).getLast());
        assertThat(alone.score()).isCloseTo(bleu, within(1e-9));
        assertThat(RougeL.of(PAIRS.get(pair).getFirst(), PAIRS.get(pair).getLast()))
                .isCloseTo(rougeL, within(1e-9));
    }

    @Test
    void isOfTheWholeCorpusNotTheMean() {
        Bleu bleu = new Bleu();
        PAIRS.forEach(pair -> bleu.add(pair.getFirst(), pair.getLast()));
        assertThat(bleu.score()).isCloseTo(42.48252717740414, within(1e-9));
    }

    /** Of "a b c d" all four orders match "a b c d e" wholly: what is missing is the length, exp(1 − 5/4). */
    @Test
    void countsWhatIsTooShort() {
        Bleu bleu = new Bleu();
        bleu.add("a b c d", "a b c d e");
        assertThat(bleu.score()).isCloseTo(100 * Math.exp(-.25), within(1e-9));
        assertThat(RougeL.of("a x b", "a b c")).isCloseTo(2 * 2 / 6.0, within(1e-9));
        assertThat(RougeL.of("", "a")).isZero();
    }
}
