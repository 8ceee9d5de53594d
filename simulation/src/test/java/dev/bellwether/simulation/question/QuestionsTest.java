package dev.bellwether.simulation.question;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuestionsTest {
    @TempDir
    private Path folder;

    private Path csv(String text) throws IOException {
        return Files.writeString(folder.resolve("questions.csv"), text);
    }

    @Test
    void readsColumnsInAnyOrder() throws IOException {
        Questions questions = Questions.read(csv("category,text\ncard,\"Where, please?\"\npin, Why? \n"));

        assertThat(questions.all())
                .containsExactly(new Question("Where, please?", "card"), new Question("Why?", "pin"));
    }

    /** As spreadsheets write it. */
    @Test
    void readsAByteOrderMarkCapitalsSpacesAndWindowsLines() throws IOException {
        Questions questions = Questions.read(csv("\uFEFFText, Category\r\n\"Where,\r\nplease?\",card\r\n"));

        assertThat(questions.all()).containsExactly(new Question("Where,\r\nplease?", "card"));
    }

    @Test
    void refusesAFolderAndAFileThatIsNotUtf8() throws IOException {
        Path latin1 = Files.write(folder.resolve("latin1.csv"), new byte[] {'t', (byte) 0xE9, '\n'});

        assertThatThrownBy(() -> Questions.read(folder)).hasMessageStartingWith(folder + " is a folder");
        assertThatThrownBy(() -> Questions.read(latin1)).hasMessageStartingWith(latin1 + " is not UTF-8");
    }

    @Test
    void namesTheColumnsThatAreMissing() throws IOException {
        Path file = csv("question,category\nWhy?,pin\n");

        assertThatThrownBy(() -> Questions.read(file))
                .isInstanceOf(IOException.class)
                .hasMessage(file + " has the columns question,category; needed are text,category");
    }

    @Test
    void saysWhichFileDoesNotExist() {
        Path file = folder.resolve("none.csv");

        assertThatThrownBy(() -> Questions.read(file)).hasMessageStartingWith(file + " does not exist");
    }

    @Test
    void namesTheRecordThatIsTooShort() throws IOException {
        Path file = csv("text,category\nWhy?,pin\nWhere?\n");

        assertThatThrownBy(() -> Questions.read(file)).hasMessageContaining("record 2");
    }

    @Test
    void refusesAFileWithoutQuestions() throws IOException {
        Path file = csv("text,category\n");

        assertThatThrownBy(() -> Questions.read(file)).hasMessage(file + " has no questions");
    }

    /** CRC-32 of "123456789" is the published check value CBF43926, whose last decimal digit is 2. */
    @Test
    void holdsOutByHash() {
        assertThat(new Question("123456789", "a").heldOut()).isFalse();
        List<Question> many = IntStream.range(0, 10_000)
                .mapToObj(i -> new Question("question " + i, "a"))
                .toList();
        assertThat(new Questions(many).heldOut()).hasSizeBetween(900, 1_100).allMatch(Question::heldOut);
    }

    @Test
    void measuresWithHeldOutQuestionsWhereThereAreEnough() {
        Questions questions = new Questions(IntStream.range(0, 2_000)
                .mapToObj(i -> new Question("question " + i, "a"))
                .toList());

        assertThat(questions.measured(50))
                .hasSize(50)
                .allMatch(Question::heldOut)
                .doesNotHaveDuplicates();
        assertThat(questions.measured(50)).isEqualTo(questions.measured(50));
        assertThat(questions.asked())
                .doesNotContainAnyElementsOf(questions.measured(500))
                .hasSizeGreaterThan(1_700);
    }

    @Test
    void measuresWithAllQuestionsWhereFewAreHeldOut() {
        List<Question> few = IntStream.range(0, 100)
                .mapToObj(i -> new Question("question " + i, "a"))
                .toList();

        assertThat(new Questions(few).measured(500)).containsExactlyInAnyOrderElementsOf(few);
    }
}
