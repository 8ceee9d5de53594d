package dev.bellwether.trainer.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.Turn;
import dev.bellwether.trainer.dataset.DialogueFile.Dialogues;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DialogueFileTest {
    private static final int END = 1;

    @TempDir
    private Path directory = Path.of("");

    private final PolicyTokenizer tokenizer = PolicyTokenizer.open(Path.of("../default-policy/artefact"));

    @AfterEach
    void close() {
        tokenizer.close();
    }

    private Dialogues read(int tokensMax, String... lines) throws IOException {
        Path file = Files.write(directory.resolve("dialogues.jsonl"), List.of(lines));
        return DialogueFile.read(file, tokenizer, END, tokensMax);
    }

    @Test
    void readsEachFormAsTheSameDialogue() throws IOException {
        Dialogues dialogues = read(
                100,
                "{\"prompt\": \"Where is it?\", \"completion\": \"Here.\"}",
                "",
                "{\"messages\": [{\"role\": \"user\", \"content\": \"Where is it?\"},"
                        + " {\"role\": \"assistant\", \"content\": \"Here.\"}]}",
                "{\"prompt\": [{\"role\": \"user\", \"content\": \"Where is it?\"}],"
                        + " \"completion\": [{\"role\": \"assistant\", \"content\": \"Here.\"}]}");
        Sample expected =
                Sample.of(tokenizer.prompt(List.of(Turn.user("Where is it?"))), tokenizer.reply("Here.", END));
        assertThat(dialogues.samples()).hasSize(3).allSatisfy(sample -> {
            assertThat(sample.tokens()).isEqualTo(expected.tokens());
            assertThat(sample.promptLength()).isEqualTo(expected.promptLength());
        });
        Sample text = read(100, "{\"text\": \"Here it is.\"}").samples().getFirst();
        assertThat(text.tokens()).isEqualTo(tokenizer.reply("Here it is.", END));
        assertThat(text.promptLength()).isEqualTo(1);
    }

    @Test
    void countsWhatIsTooLong() throws IOException {
        String brief = "{\"prompt\": \"Where?\", \"completion\": \"Here.\"}";
        String wordy = "{\"prompt\": \"Where?\", \"completion\": \"%s\"}".formatted("Here it is. ".repeat(20));
        Dialogues dialogues = read(30, brief, wordy, wordy);
        assertThat(dialogues.samples()).hasSize(1);
        assertThat(dialogues.tooLong()).isEqualTo(2);
        assertThatThrownBy(() -> read(30, wordy, wordy))
                .hasMessageContaining("all 2 dialogues")
                .hasMessageContaining("--tokens");
        assertThatThrownBy(() -> read(30, "", "")).hasMessageContaining("holds no dialogue");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', textBlock = """
            {"prompt": null, "completion": "Here."}                                     | prompt is a text, not null
            {"prompt": "Where?", "completion": 5}                                       | completion is a text, not 5
            {"prompt": "Where?"}                                                        | completion is missing
            {"messages": [{"role": "user", "content": "Where?"}]}                       | end with the assistant's
            {"messages": "Where?"}                                                      | messages is a list of messages
            {"messages": [{"role": "bot", "content": "Hi"}]}                            | role 'bot'
            {"messages": [{"role": "user"}, {"role": "assistant", "content": "Here."}]} | content is missing
            {"prompt": "a", "completion": "b"} {"prompt": "c", "completion": "d"}       | Trailing token
            {"text": ""}                                                                | text is empty
            {"question": "Where?"}                                                      | prompt is missing
            {"prompt": "Where?"                                                         | line 2
            """)
    void saysWhichLineIsWrongAndHow(String line, String message) {
        assertThatThrownBy(() -> read(100, "{\"prompt\": \"Where?\", \"completion\": \"Here.\"}", line))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("dialogues.jsonl, line 2: ")
                .hasMessageContaining(message);
    }
}
