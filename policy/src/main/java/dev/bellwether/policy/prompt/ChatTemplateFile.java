package dev.bellwether.policy.prompt;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where a checkpoint's folder keeps its chat template and the tokens that it names: {@code chat_template.jinja} before
 * {@code tokenizer_config.json}, and of a list there the one named {@code default}, as {@code transformers} has it.
 */
final class ChatTemplateFile {
    static final String FILE = "chat_template.jinja";
    static final String CONFIG = "tokenizer_config.json";

    /** Where older versions of {@code transformers} kept the tokens that a template names. */
    private static final String TOKENS = "special_tokens_map.json";

    /** OpenAI's ChatML, which most checkpoints without a template of their own were trained on. */
    private static final String CHATML = "{% for message in messages %}<|im_start|>{{ message.role }}\n"
            + "{{ message.content }}<|im_end|>\n{% endfor %}"
            + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    private static final List<String> CHATML_TOKENS = List.of("<|im_start|>", "<|im_end|>");
    private static final List<String> NAMED =
            List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");
    private static final ObjectMapper JSON = new ObjectMapper();

    private final JsonNode tokens;
    private final Optional<String> source;

    private ChatTemplateFile(JsonNode tokens, Optional<String> source) {
        this.tokens = tokens;
        this.source = source;
    }

    static ChatTemplateFile read(Path directory) throws IOException {
        Path configFile = directory.resolve(CONFIG);
        Path templateFile = directory.resolve(FILE);
        boolean own = Files.exists(templateFile);
        if (!own && !Files.exists(configFile)) {
            throw new UnsupportedCheckpointException("%s has neither %s nor %s, one of which holds its chat template"
                    .formatted(directory, CONFIG, FILE));
        }
        JsonNode config = json(configFile);
        ObjectNode tokens = JSON.createObjectNode();
        tokens.setAll((ObjectNode) config);
        // A configuration that lists its tokens is newer than the other file, and whole.
        if (!config.has("added_tokens_decoder")) {
            tokens.setAll((ObjectNode) json(directory.resolve(TOKENS)));
        }
        return new ChatTemplateFile(tokens, own ? Optional.of(Files.readString(templateFile)) : configured(config));
    }

    private static JsonNode json(Path file) throws IOException {
        JsonNode json = Files.exists(file) ? JSON.readTree(Files.readAllBytes(file)) : JSON.createObjectNode();
        if (!json.isObject()) {
            throw new UnsupportedCheckpointException("%s is no JSON object".formatted(file.getFileName()));
        }
        return json;
    }

    private static Optional<String> configured(JsonNode config) {
        JsonNode template = config.path("chat_template");
        if (template.isTextual()) {
            return Optional.of(template.textValue());
        }
        if (!template.isArray()) {
            return Optional.empty();
        }
        List<String> names = new ArrayList<>();
        for (JsonNode named : template) {
            names.add(named.path("name").asText());
            if (named.path("name").asText().equals("default")) {
                return Optional.of(named.path("template").asText());
            }
        }
        throw new UnsupportedCheckpointException("%s has a list of chat templates (%s), none of which is named default"
                .formatted(CONFIG, String.join(", ", names)));
    }

    /** Whether the checkpoint brings a template. */
    boolean present() {
        return source.isPresent();
    }

    /**
     * The template, or ChatML for a tokenizer that has its tokens.
     *
     * @param vocabulary texts of the tokenizer's added tokens
     */
    String source(Iterable<String> vocabulary) {
        if (source.isPresent()) {
            return source.get();
        }
        List<String> missing = new ArrayList<>(CHATML_TOKENS);
        vocabulary.forEach(missing::remove);
        if (!missing.isEmpty()) {
            throw new UnsupportedCheckpointException(
                    "the checkpoint has no chat template, neither %s nor chat_template in %s, and is not made for ChatML,"
                                    .formatted(FILE, CONFIG)
                            + " whose token %s it lacks".formatted(missing.getFirst()));
        }
        return CHATML;
    }

    /** What the template knows by name, as {@code bos_token}. */
    Map<String, Object> specialTokens() {
        Map<String, Object> named = new HashMap<>();
        for (String name : NAMED) {
            text(tokens.path(name)).ifPresent(text -> named.put(name, text));
        }
        List<String> additional = new ArrayList<>();
        tokens.path("additional_special_tokens").forEach(token -> text(token).ifPresent(additional::add));
        if (!additional.isEmpty()) {
            named.put("additional_special_tokens", additional);
        }
        return named;
    }

    private static Optional<String> text(JsonNode token) {
        JsonNode text = token.isObject() ? token.path("content") : token;
        return text.isTextual() ? Optional.of(text.textValue()) : Optional.empty();
    }
}
