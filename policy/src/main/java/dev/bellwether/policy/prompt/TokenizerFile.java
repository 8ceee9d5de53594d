package dev.bellwether.policy.prompt;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * {@code tokenizer.json}: its added tokens, and the same tokenizer with names for the control tokens that nobody can type.
 *
 * <p>A tokenizer of Hugging Face finds control tokens anywhere in a text, and its setting to leave them alone ({@code
 * encode_special_tokens}) is for a whole text, the template's own tokens included. Under another name a control token is
 * found where {@link ControlTokens#renamed} put that name, and its letters are letters. All else, such as blanks that a
 * token takes with it, is the library's.
 */
final class TokenizerFile {
    private static final String FILE = "tokenizer.json";
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Ids by text. */
    private final Map<String, Integer> added = new LinkedHashMap<>();

    private final Map<String, Integer> control = new LinkedHashMap<>();

    private final boolean byteLevel;
    private final int highestToken;
    private final int longestToken;

    private TokenizerFile(ObjectNode json) {
        for (JsonNode token : json.path("added_tokens")) {
            String text = token.path("content").asText();
            int id = token.path("id").asInt();
            added.put(text, id);
            if (token.path("special").asBoolean()) {
                control.put(text, id);
            }
        }
        this.byteLevel = json.path("decoder").path("type").asText().equals("ByteLevel");
        JsonNode vocabulary = json.path("model").path("vocab");
        this.highestToken = highestToken(vocabulary);
        this.longestToken = longestToken(vocabulary);
    }

    /**
     * What of the file lasts, and the rest: the JSON of a large vocabulary takes tens of megabytes.
     *
     * @param renamed the tokenizer with its control tokens renamed, as JSON
     */
    record Read(TokenizerFile file, byte[] renamed) {}

    static Read read(Path directory) throws IOException {
        JsonNode json = JSON.readTree(Files.readAllBytes(directory.resolve(FILE)));
        if (!(json instanceof ObjectNode object)) {
            throw new IOException("%s is no JSON object".formatted(FILE));
        }
        TokenizerFile file = new TokenizerFile(object);
        return new Read(file, file.renamed(object));
    }

    /** Texts of the added tokens, control tokens among them. */
    List<String> added() {
        return List.copyOf(added.keySet());
    }

    /** Texts of the control tokens. */
    List<String> control() {
        return List.copyOf(control.keySet());
    }

    /** The token of an added token's text. */
    int id(String text) {
        Integer id = added.get(text);
        if (id == null) {
            throw new UnsupportedCheckpointException("the tokenizer has no token '%s'".formatted(text));
        }
        return id;
    }

    Optional<String> controlToken(int id) {
        return control.entrySet().stream()
                .filter(token -> token.getValue() == id)
                .map(Map.Entry::getKey)
                .findFirst();
    }

    /** Added tokens that are text like any other, by id. */
    Map<Integer, String> words() {
        Map<Integer, String> words = new HashMap<>();
        added.forEach((text, id) -> {
            if (!control.containsKey(text)) {
                words.put(id, text);
            }
        });
        return words;
    }

    /** Whether tokens are spelled in characters that stand for bytes. */
    boolean byteLevel() {
        return byteLevel;
    }

    int highestToken() {
        return highestToken;
    }

    private int highestToken(JsonNode vocabulary) {
        int highest = added.values().stream().mapToInt(Integer::intValue).max().orElse(0);
        for (JsonNode id : vocabulary) {
            highest = Math.max(highest, id.asInt(0));
        }
        return highest;
    }

    /** The most characters that one token stands for. */
    int longestToken() {
        return longestToken;
    }

    private int longestToken(JsonNode vocabulary) {
        int longest = added.keySet().stream().mapToInt(String::length).max().orElse(1);
        for (Map.Entry<String, JsonNode> token : vocabulary.properties()) {
            longest = Math.max(longest, token.getKey().length());
        }
        // Unigram models list pairs of text and score.
        for (JsonNode pair : vocabulary) {
            longest = Math.max(longest, pair.path(0).asText().length());
        }
        return longest;
    }

    /** The name under which the renamed tokenizer knows a control token. */
    String name(String text) {
        return "\ufdd1%d\ufdd2".formatted(control.getOrDefault(text, -1));
    }

    /** The same JSON with its control tokens renamed, in place. */
    private byte[] renamed(ObjectNode json) throws IOException {
        for (JsonNode token : json.path("added_tokens")) {
            rename((ObjectNode) token, "content");
        }
        if (json.path("model") instanceof ObjectNode model) {
            rename(model, "unk_token");
            switch (model.path("vocab")) {
                case ObjectNode map -> model.set("vocab", renamedKeys(map));
                case ArrayNode pairs -> pairs.forEach(pair -> renameFirst((ArrayNode) pair));
                default -> {
                    // Nothing that could hold a token's text.
                }
            }
        }
        return JSON.writeValueAsBytes(json);
    }

    private void rename(ObjectNode object, String field) {
        String text = object.path(field).asText();
        if (control.containsKey(text)) {
            object.put(field, name(text));
        }
    }

    private void renameFirst(ArrayNode pair) {
        String text = pair.path(0).asText();
        if (control.containsKey(text)) {
            pair.set(0, name(text));
        }
    }

    private ObjectNode renamedKeys(ObjectNode vocabulary) {
        ObjectNode renamed = JSON.createObjectNode();
        List<Map.Entry<String, JsonNode>> entries = new ArrayList<>(vocabulary.properties());
        entries.forEach(entry -> renamed.set(
                control.containsKey(entry.getKey()) ? name(entry.getKey()) : entry.getKey(), entry.getValue()));
        return renamed;
    }
}
