package dev.bellwether.policy.prompt;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;

/** The tokenizer and prompt template of a checkpoint directory; safe for use by many threads. */
public final class PolicyTokenizer implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String DEFAULT_TEMPLATE =
            "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
                    + "{% if add_generation_prompt %}<|assistant|>{% endif %}";

    private final HuggingFaceTokenizer tokenizer;
    private final PromptTemplate template;
    private final int highestToken;
    private final int longestToken;

    private PolicyTokenizer(
            HuggingFaceTokenizer tokenizer, PromptTemplate template, int highestToken, int longestToken) {
        this.tokenizer = tokenizer;
        this.template = template;
        this.highestToken = highestToken;
        this.longestToken = longestToken;
    }

    /** Opens {@code tokenizer.json} and {@code tokenizer_config.json} of {@code directory}. */
    public static PolicyTokenizer open(Path directory) {
        try {
            JsonNode config = JSON.readTree(Files.readAllBytes(directory.resolve("tokenizer_config.json")));
            JsonNode tokens = JSON.readTree(Files.readAllBytes(directory.resolve("tokenizer.json")));
            Set<String> reserved = new LinkedHashSet<>();
            tokens.path("added_tokens")
                    .forEach(token -> reserved.add(token.path("content").asText()));
            Map<String, String> special = new HashMap<>();
            for (String name : List.of("bos_token", "eos_token", "pad_token", "unk_token")) {
                JsonNode token = config.path(name);
                special.put(name, token.isObject() ? token.path("content").asText("") : token.asText(""));
            }
            PromptTemplate template =
                    new PromptTemplate(config.path("chat_template").asText(DEFAULT_TEMPLATE), special, reserved);
            HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.newInstance(
                    directory, Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "false"));
            return new PolicyTokenizer(tokenizer, template, highestToken(tokens), longestToken(tokens));
        } catch (IOException | RuntimeException e) {
            throw new UnsupportedCheckpointException(
                    "the tokenizer in %s cannot be read: %s".formatted(directory, e.getMessage()), e);
        }
    }

    private static int highestToken(JsonNode tokens) {
        int highest = 0;
        for (JsonNode id : tokens.path("model").path("vocab")) {
            highest = Math.max(highest, id.asInt(0));
        }
        for (JsonNode token : tokens.path("added_tokens")) {
            highest = Math.max(highest, token.path("id").asInt(0));
        }
        return highest;
    }

    private static int longestToken(JsonNode tokens) {
        int longest = 1;
        JsonNode vocabulary = tokens.path("model").path("vocab");
        for (Map.Entry<String, JsonNode> token : vocabulary.properties()) {
            longest = Math.max(longest, token.getKey().length());
        }
        // Unigram models list pairs of text and score.
        for (JsonNode pair : vocabulary) {
            longest = Math.max(longest, pair.path(0).asText().length());
        }
        for (JsonNode token : tokens.path("added_tokens")) {
            longest = Math.max(longest, token.path("content").asText().length());
        }
        return longest;
    }

    /** The most characters that one token stands for: a text of more characters than tokens times this is too long. */
    public int longestToken() {
        return longestToken;
    }

    /** Refuses a tokenizer that makes tokens which a model of {@code vocabularySize} has no embedding for. */
    public void requireWithin(int vocabularySize) {
        if (highestToken >= vocabularySize) {
            throw new UnsupportedCheckpointException("tokenizer.json has the token %d, config.json a vocab_size of %d"
                    .formatted(highestToken, vocabularySize));
        }
    }

    /** The template's own text for {@code turns}, as tokens; what the model continues. */
    public int[] prompt(List<Turn> turns) {
        return encode(template.prompt(turns));
    }

    /** That one of {@code endTokens} with which the template closes a reply; the first where it has none of them. */
    public int endOfReply(List<Integer> endTokens) {
        int[] closed = encode(template.conversation(List.of(Turn.user("a"), Turn.assistant("b"))));
        for (int i = closed.length - 1; i >= 0; i--) {
            if (endTokens.contains(closed[i])) {
                return closed[i];
            }
        }
        return endTokens.getFirst();
    }

    /**
     * A whole reply as tokens: its text, then {@code endToken}. Behind {@link #prompt} it is what is learned from and
     * what is judged.
     */
    public int[] reply(String text, int endToken) {
        int[] tokens = encode(text);
        int[] ended = Arrays.copyOf(tokens, tokens.length + 1);
        ended[tokens.length] = endToken;
        return ended;
    }

    public int[] encode(String text) {
        return LongStream.of(tokenizer.encode(text, false, false).getIds())
                .mapToInt(Math::toIntExact)
                .toArray();
    }

    /** The text of {@code tokens}, control tokens left out; half a character at the end reads as U+FFFD. */
    public String decode(int[] tokens) {
        return tokens.length == 0
                ? ""
                : tokenizer.decode(Arrays.stream(tokens).asLongStream().toArray(), true);
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
