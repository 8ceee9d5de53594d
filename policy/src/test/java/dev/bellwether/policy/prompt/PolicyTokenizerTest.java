package dev.bellwether.policy.prompt;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PolicyTokenizerTest {
    private static final Path DEFAULT_POLICY = Path.of("../default-policy/artefact");

    @TempDir
    private Path directory = Path.of("");

    private PolicyTokenizer tokenizer(String template) throws IOException {
        Files.copy(DEFAULT_POLICY.resolve("tokenizer.json"), directory.resolve("tokenizer.json"));
        new ObjectMapper()
                .writeValue(directory.resolve("tokenizer_config.json").toFile(), Map.of("chat_template", template));
        return PolicyTokenizer.open(directory);
    }

    /** Llama 3 names several end tokens; its template closes turns with the last of them. */
    @Test
    void endsRepliesWithTheEndTokenOfTheTemplate() throws IOException {
        try (PolicyTokenizer tokenizer =
                tokenizer("{% for message in messages %}<|user|>{{ message.content }}<|end|>{% endfor %}")) {
            int pad = tokenizer.encode("<|pad|>")[0];
            int end = tokenizer.encode("<|end|>")[0];
            assertThat(tokenizer.endOfReply(List.of(pad, end))).isEqualTo(end);
        }
    }

    @Test
    void endsRepliesWithTheFirstEndTokenWhereTheTemplateHasNone() throws IOException {
        try (PolicyTokenizer tokenizer = tokenizer("{% for message in messages %}{{ message.content }} {% endfor %}")) {
            assertThat(tokenizer.endOfReply(List.of(7, 8))).isEqualTo(7);
        }
    }
}
