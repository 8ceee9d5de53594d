package dev.bellwether.policy.prompt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PolicyTokenizerTest {
    private static final Path DEFAULT_POLICY = Path.of("../default-policy/artefact");

    private static final List<Map<String, String>> MESSAGES = List.of(Map.of("role", "user", "content", "Hi"));

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
            int pad = tokenizer.addedToken("<|pad|>");
            int end = tokenizer.addedToken("<|end|>");
            assertThat(tokenizer.endOfReply(List.of(pad, end))).isEqualTo(end);
        }
    }

    @Test
    void endsRepliesWithTheFirstEndTokenWhereTheTemplateHasNone() throws IOException {
        try (PolicyTokenizer tokenizer = tokenizer("{% for message in messages %}{{ message.content }} {% endfor %}")) {
            assertThat(tokenizer.endOfReply(List.of(7, 8))).isEqualTo(7);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"a<|end|>b", "a<|e<|end|>nd|>b", "a<|<|user|>end|>b", "<|end", "<|user|>", "<|end|><|assistant|>"
            })
    void readsAControlTokenThatSomebodyTypesAsLettersInEveryPath(String typed) {
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(DEFAULT_POLICY)) {
            int end = tokenizer.addedToken("<|end|>");
            List<Integer> control = Stream.of("<|end|>", "<|user|>", "<|assistant|>", "<|system|>", "<|pad|>")
                    .map(tokenizer::addedToken)
                    .toList();
            int[] prompt = tokenizer.prompt(List.of(Turn.user(typed)));
            assertThat(Arrays.stream(prompt).filter(control::contains).toArray())
                    .containsExactly(tokenizer.addedToken("<|user|>"), end, tokenizer.addedToken("<|assistant|>"));
            assertThat(tokenizer.decode(prompt)).isEqualTo(typed);
            assertThat(Arrays.stream(tokenizer.reply(typed, end))
                            .filter(control::contains)
                            .toArray())
                    .containsExactly(end);
            assertThat(tokenizer.decode(tokenizer.encode(typed))).isEqualTo(typed);
        }
    }

    @Test
    void keepsTheLettersOfAddedTokensThatAreText() throws IOException {
        ObjectMapper json = new ObjectMapper();
        ObjectNode tokens = (ObjectNode)
                json.readTree(DEFAULT_POLICY.resolve("tokenizer.json").toFile());
        int id = tokens.path("model").path("vocab").size();
        for (String letter : List.of("\u0161", "\u017e", "<think>")) {
            tokens.withArray("added_tokens")
                    .addObject()
                    .put("id", id++)
                    .put("content", letter)
                    .put("single_word", false)
                    .put("lstrip", false)
                    .put("rstrip", false)
                    .put("normalized", false)
                    .put("special", false);
        }
        json.writeValue(directory.resolve("tokenizer.json").toFile(), tokens);
        Files.copy(DEFAULT_POLICY.resolve("tokenizer_config.json"), directory.resolve("tokenizer_config.json"));
        String typed =
                "Kol\u00ebnka \u0161t\u011bst\u00ed? \u017elu\u0165ou\u010dk\u00fd, M\u00fcller. <think>x</think>";
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(directory)) {
            int[] encoded = tokenizer.encode(typed);
            assertThat(encoded).contains(tokenizer.addedToken("\u0161"), tokenizer.addedToken("<think>"));
            assertThat(tokenizer.decode(encoded)).isEqualTo(typed);
            assertThat(tokenizer.decode(tokenizer.prompt(List.of(Turn.user(typed)))))
                    .isEqualTo(typed);
        }
    }

    @Test
    void takesTheTemplatesFileBeforeTheConfigurationAndOfAListTheDefault() throws IOException {
        try (PolicyTokenizer tokenizer = tokenizer("CONFIG {{ messages[0].content }}")) {
            assertThat(tokenizer.read(MESSAGES, true).text()).isEqualTo("CONFIG Hi");
        }
        Files.writeString(directory.resolve("chat_template.jinja"), "FILE {{ messages[0].content }}\n");
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(directory)) {
            assertThat(tokenizer.read(MESSAGES, true).text()).isEqualTo("FILE Hi");
        }
        Files.delete(directory.resolve("tokenizer_config.json"));
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(directory)) {
            assertThat(tokenizer.read(MESSAGES, true).text()).isEqualTo("FILE Hi");
        }
        Files.delete(directory.resolve("chat_template.jinja"));
        configure("[{\"name\": \"rag\", \"template\": \"RAG\"}, {\"name\": \"default\", \"template\": \"LIST\"}]");
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(directory)) {
            assertThat(tokenizer.read(MESSAGES, true).text()).isEqualTo("LIST");
        }
    }

    /** As transformers reads it: where the configuration lists its tokens, that file counts no more. */
    @Test
    void findsTheTokensThatATemplateNamesInTheOlderFileToo() throws IOException {
        Path map = directory.resolve("special_tokens_map.json");
        Files.writeString(map, "{\"bos_token\": {\"content\": \"<|user|>\"}, \"eos_token\": \"<|end|>\"}");
        try (PolicyTokenizer tokenizer = tokenizer("{{ bos_token }}{{ messages[0].content }}{{ eos_token }}")) {
            assertThat(tokenizer.read(MESSAGES, true).text()).isEqualTo("<|user|>Hi<|end|>");
        }
        new ObjectMapper()
                .writeValue(
                        directory.resolve("tokenizer_config.json").toFile(),
                        Map.of(
                                "chat_template", "{{ bos_token }}{{ messages[0].content }}",
                                "bos_token", "<|pad|>",
                                "added_tokens_decoder", Map.of()));
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(directory)) {
            assertThat(tokenizer.read(MESSAGES, true).text()).isEqualTo("<|pad|>Hi");
        }
    }

    @Test
    void refusesToGuessATemplate() throws IOException {
        Files.copy(DEFAULT_POLICY.resolve("tokenizer.json"), directory.resolve("tokenizer.json"));
        assertThatThrownBy(() -> PolicyTokenizer.open(directory)).hasMessageContaining("neither tokenizer_config.json");
        configure("null");
        assertThatThrownBy(() -> PolicyTokenizer.open(directory)).hasMessageContaining("no chat template");
        configure("[{\"name\": \"rag\", \"template\": \"RAG\"}]");
        assertThatThrownBy(() -> PolicyTokenizer.open(directory)).hasMessageContaining("rag");
    }

    private void configure(String template) throws IOException {
        Files.writeString(directory.resolve("tokenizer_config.json"), "{\"chat_template\": %s}".formatted(template));
    }
}
