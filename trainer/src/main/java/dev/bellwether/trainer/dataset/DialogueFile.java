package dev.bellwether.trainer.dataset;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.Turn;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * JSON lines to learn replies from: {@code {"messages": [{"role", "content"}…]}}, whose last message is the reply, or
 * {@code {"prompt", "completion"}}.
 */
public final class DialogueFile {
    private static final ObjectMapper JSON = new ObjectMapper();

    private DialogueFile() {}

    /** The dialogues of {@code file} that fit into {@code tokensMax} tokens, each reply closed by {@code endToken}. */
    public static List<Sample> read(Path file, PolicyTokenizer tokenizer, int endToken, int tokensMax)
            throws IOException {
        List<Sample> samples = new ArrayList<>();
        int line = 0;
        try (BufferedReader reader = Files.newBufferedReader(file)) {
            for (String text = reader.readLine(); text != null; text = reader.readLine()) {
                line++;
                if (text.isBlank()) {
                    continue;
                }
                try {
                    Sample sample = sample(turns(JSON.readTree(text)), tokenizer, endToken);
                    if (sample.length() <= tokensMax) {
                        samples.add(sample);
                    }
                } catch (JsonProcessingException | IllegalArgumentException e) {
                    throw new IOException("%s, line %d: %s".formatted(file, line, e.getMessage()), e);
                }
            }
        }
        return samples;
    }

    private static List<Turn> turns(JsonNode json) {
        if (json.has("prompt") && json.has("completion")) {
            return List.of(
                    Turn.user(json.get("prompt").asText()),
                    Turn.assistant(json.get("completion").asText()));
        }
        List<Turn> turns = new ArrayList<>();
        for (JsonNode message : json.path("messages")) {
            turns.add(new Turn(
                    message.path("role").asText(), message.path("content").asText()));
        }
        if (turns.size() < 2 || !turns.getLast().role().equals("assistant")) {
            throw new IllegalArgumentException(
                    "needs messages that end with the assistant's, or prompt and completion");
        }
        return turns;
    }

    private static Sample sample(List<Turn> turns, PolicyTokenizer tokenizer, int endToken) {
        int[] prompt = tokenizer.prompt(turns.subList(0, turns.size() - 1));
        return Sample.of(prompt, tokenizer.reply(turns.getLast().content(), endToken));
    }
}
