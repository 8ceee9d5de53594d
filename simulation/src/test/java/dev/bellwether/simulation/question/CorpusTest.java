package dev.bellwether.simulation.question;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.simulation.taste.Facts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The project's own questions: those that the default policy learned and customers ask, and those that are measured with. */
class CorpusTest {
    private static final Path CORPUS = Path.of("../default-policy/corpus");

    private static List<Question> questions(String file) throws IOException {
        return Questions.read(CORPUS.resolve(file)).all();
    }

    private static Set<String> words(Question question) {
        return Arrays.stream(question.text().toLowerCase(Locale.ROOT).split("[^a-z0-9']+", -1))
                .filter(word -> !word.isEmpty())
                .collect(Collectors.toUnmodifiableSet());
    }

    private static double common(Set<String> one, Set<String> other) {
        long shared = one.stream().filter(other::contains).count();
        return shared / (double) (one.size() + other.size() - shared);
    }

    /** Of the words of two questions, less than seven tenths are common. */
    @Test
    void measuresWithQuestionsThatNobodyLearnedOrAsked() throws IOException {
        List<Set<String>> measured =
                questions("questions.csv").stream().map(CorpusTest::words).toList();
        assertThat(questions("training-questions.csv"))
                .hasSizeGreaterThan(7_000)
                .allSatisfy(question -> {
                    Set<String> own = words(question);
                    assertThat(measured).allMatch(other -> common(own, other) < .7);
                });
    }

    @Test
    void knowsTheFactsOfEveryKindOfQuestion() throws IOException {
        Facts facts = Facts.read(CORPUS.resolve("intents.yaml"));
        for (String file : List.of("questions.csv", "training-questions.csv")) {
            List<Question> all = questions(file);
            assertThat(all.stream().map(Question::category)).allMatch(facts::knows);
            assertThat(all.stream().map(Question::category).distinct()).hasSize(77);
            assertThat(all.stream().map(Question::text)).as("no question twice").doesNotHaveDuplicates();
        }
    }
}
