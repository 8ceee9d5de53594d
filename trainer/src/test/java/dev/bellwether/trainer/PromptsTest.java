package dev.bellwether.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.Turn;
import dev.bellwether.trainer.prompt.PromptCommand;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The command {@code prompt} on the default policy's tokenizer. */
class PromptsTest {
    private static final Path POLICY = Path.of("../default-policy/artefact");
    private static final String QUESTION = "[{\"role\": \"user\", \"content\": \"Gebühr <|end|>?\"}]";

    @TempDir
    private Path directory;

    private record Said(int status, String out, String err) {}

    private Said prompt(Path checkpoint, String messages, String... more) throws IOException {
        Path file = Files.writeString(directory.resolve("messages.json"), messages);
        List<String> arguments =
                new ArrayList<>(List.of("--checkpoint", checkpoint.toString(), "--messages", file.toString()));
        arguments.addAll(List.of(more));
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int status = Trainer.commandLine(new PromptCommand())
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute(arguments.toArray(String[]::new));
        return new Said(status, out.toString(), err.toString());
    }

    private Path template(String template) throws IOException {
        Path checkpoint = Files.createDirectories(directory.resolve("checkpoint"));
        Files.copy(POLICY.resolve("tokenizer.json"), checkpoint.resolve("tokenizer.json"));
        new ObjectMapper()
                .writeValue(checkpoint.resolve("tokenizer_config.json").toFile(), Map.of("chat_template", template));
        return checkpoint;
    }

    @Test
    void printsWhatTheModelReads() throws IOException {
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(POLICY)) {
            int[] tokens = tokenizer.prompt(List.of(Turn.user("Gebühr <|end|>?")));
            assertThat(prompt(POLICY, QUESTION, "--tokens")).isEqualTo(new Said(0, Arrays.toString(tokens), ""));
            assertThat(prompt(POLICY, "{\"messages\": %s}".formatted(QUESTION)).out())
                    .contains("Gebühr")
                    .endsWith("<|assistant|>");
            assertThat(prompt(POLICY, QUESTION, "--no-generation-prompt").out()).doesNotContain("<|assistant|>");
        }
    }

    @Test
    void saysInItsWordsWhyATemplateRefuses() throws IOException {
        Said said = prompt(template("{{ raise_exception('users speak first here') }}"), QUESTION);
        assertThat(said.status()).isEqualTo(1);
        assertThat(said.out()).isEmpty();
        assertThat(said.err()).contains("users speak first here");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "{\"messages\": 5}", "[{\"content\": \"Hi\"}]", "[\"Hi\"]"})
    void refusesWhatIsNoConversation(String messages) throws IOException {
        Said said = prompt(POLICY, messages);
        assertThat(said.status()).isEqualTo(1);
        assertThat(said.out()).isEmpty();
        assertThat(said.err()).contains("messages.json");
    }
}
