package dev.bellwether.trainer.prompt;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code prompt}: exactly what a checkpoint's model reads of a conversation. */
@Command(
        name = "prompt",
        description = {
            "Print exactly what a checkpoint's model reads of a conversation, without a line break of its own.",
            "What the chat template refuses goes to standard error in its own words, with the status 1."
        })
public final class PromptCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help and exit.")
    @SuppressWarnings("UnusedVariable")
    private boolean help;

    @Option(names = "--checkpoint", required = true, description = "Folder of a Hugging Face checkpoint.")
    private Path checkpoint = Path.of("");

    @Option(
            names = "--messages",
            required = true,
            description = "JSON file with a list of messages, or an object with 'messages'.")
    private Path messages = Path.of("");

    @Option(names = "--no-generation-prompt", description = "Without the words that begin the assistant's reply.")
    private boolean closed;

    @Option(names = "--tokens", description = "Print the tokens' numbers as a JSON list instead.")
    private boolean tokens;

    @Override
    public Integer call() throws IOException {
        List<Map<String, Object>> conversation = conversation();
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(checkpoint)) {
            PolicyTokenizer.Prompt prompt = tokenizer.read(conversation, !closed);
            PrintWriter out = spec.commandLine().getOut();
            out.print(tokens ? Arrays.toString(prompt.tokens()) : prompt.text());
            out.flush();
            if (!tokenizer.ownTemplate()) {
                spec.commandLine().getErr().println("the checkpoint has no chat template; this is ChatML");
            }
            return 0;
        }
    }

    private List<Map<String, Object>> conversation() throws IOException {
        JsonNode json;
        try {
            json = JSON.readTree(Files.readAllBytes(messages));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("%s is no JSON: %s".formatted(messages, e.getOriginalMessage()), e);
        }
        JsonNode list = json.isObject() ? json.path("messages") : json;
        boolean all = list.isArray() && !list.isEmpty();
        for (JsonNode message : list) {
            all &= message.isObject() && message.path("role").isTextual();
        }
        if (!all) {
            throw new IllegalArgumentException(
                    "%s must hold a list of messages, such as [{\"role\": \"user\", \"content\": \"Hello\"}]"
                            .formatted(messages));
        }
        return JSON.convertValue(list, new TypeReference<>() {});
    }
}
