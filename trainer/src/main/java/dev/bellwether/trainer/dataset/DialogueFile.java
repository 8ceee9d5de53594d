package dev.bellwether.trainer.dataset;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.PromptRefusedException;
import dev.bellwether.policy.prompt.Turn;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * JSON lines to learn replies from, one object a line: {@code {"messages": [{"role", "content"}…]}}, whose last message is the
 * reply; {@code {"prompt", "completion"}}, each a text or a list of messages; or {@code {"text"}}, of which all is learned.
 */
public final class DialogueFile {
    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
    private static final Set<String> ROLES = Set.of("system", "developer", "user", "assistant", "tool");

    private DialogueFile() {}

    /**
     * What a file holds.
     *
     * @param tooLong how many dialogues are longer than was asked for, and left out
     */
    public record Dialogues(List<Sample> samples, int tooLong) {}

    /**
     * The dialogues of {@code file} that fit into {@code tokensMax} tokens, each reply closed by {@code endToken}.
     *
     * @throws IOException naming file and line of what cannot be read as meant, or that nothing is there to learn from
     */
    public static Dialogues read(Path file, PolicyTokenizer tokenizer, int endToken, int tokensMax) throws IOException {
        List<Sample> samples = new ArrayList<>();
        int tooLong = 0;
        int line = 0;
        try (BufferedReader reader = Files.newBufferedReader(file)) {
            for (String text = reader.readLine(); text != null; text = reader.readLine()) {
                line++;
                if (text.isBlank()) {
                    continue;
                }
                Sample sample = sample(text, tokenizer, endToken);
                if (sample.length() <= tokensMax) {
                    samples.add(sample);
                } else {
                    tooLong++;
                }
            }
        } catch (JsonProcessingException e) {
            throw new IOException("%s, line %d: %s".formatted(file, line, e.getOriginalMessage()), e);
        } catch (IllegalArgumentException | PromptRefusedException e) {
            throw new IOException("%s, line %d: %s".formatted(file, line, e.getMessage()), e);
        } catch (CharacterCodingException e) {
            throw new IOException("%s, line %d: it is not UTF-8".formatted(file, line + 1), e);
        }
        if (samples.isEmpty()) {
            throw new IOException(
                    tooLong == 0
                            ? "%s holds no dialogue".formatted(file)
                            : "all %d dialogues of %s are longer than %d tokens; raise --tokens"
                                    .formatted(tooLong, file, tokensMax));
        }
        return new Dialogues(samples, tooLong);
    }

    private static Sample sample(String line, PolicyTokenizer tokenizer, int endToken) throws JsonProcessingException {
        JsonNode json = JSON.readTree(line);
        if (json.has("text")) {
            int[] tokens = tokenizer.reply(text(json, "text"), endToken);
            if (tokens.length < 2) {
                throw new IllegalArgumentException("text is empty");
            }
            return new Sample(tokens, 1);
        }
        List<Turn> turns = turns(json);
        int[] prompt = tokenizer.prompt(turns.subList(0, turns.size() - 1));
        return Sample.of(prompt, tokenizer.reply(turns.getLast().content(), endToken));
    }

    private static List<Turn> turns(JsonNode json) {
        List<Turn> turns = json.has("messages")
                ? messages(json.get("messages"), "messages")
                : Stream.of(part(json, "prompt", "user"), part(json, "completion", "assistant"))
                        .flatMap(List::stream)
                        .toList();
        if (turns.size() < 2 || !turns.getLast().role().equals("assistant")) {
            throw new IllegalArgumentException(
                    "needs messages that end with the assistant's, prompt and completion, or text");
        }
        return turns;
    }

    /** A side of a dialogue: a text, or messages. */
    private static List<Turn> part(JsonNode json, String field, String role) {
        return json.path(field).isArray()
                ? messages(json.get(field), field)
                : List.of(new Turn(role, text(json, field)));
    }

    private static List<Turn> messages(JsonNode list, String field) {
        if (!list.isArray()) {
            throw new IllegalArgumentException("%s is a list of messages, not %s".formatted(field, list));
        }
        List<Turn> turns = new ArrayList<>();
        for (JsonNode message : list) {
            String role = text(message, "role");
            if (!ROLES.contains(role)) {
                throw new IllegalArgumentException("role '%s' is none of %s"
                        .formatted(role, Arrays.toString(ROLES.stream().sorted().toArray())));
            }
            @Nullable JsonNode calls = message.get("tool_calls");
            boolean callsAlone = calls != null && calls.isArray() && !calls.isEmpty() && !message.hasNonNull("content");
            turns.add(Turn.of(role, callsAlone ? "" : text(message, "content"), calls));
        }
        return turns;
    }

    private static String text(JsonNode json, String field) {
        JsonNode value = json.path(field);
        if (value.isMissingNode()) {
            throw new IllegalArgumentException("%s is missing".formatted(field));
        }
        if (!value.isTextual()) {
            throw new IllegalArgumentException("%s is a text, not %s".formatted(field, value));
        }
        return value.textValue();
    }
}
