package dev.bellwether.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.InternalServerException;
import com.openai.errors.NotFoundException;
import com.openai.errors.RateLimitException;
import com.openai.errors.UnauthorizedException;
import com.openai.errors.UnprocessableEntityException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.StructuredChatCompletion;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** OpenAI's own client libraries: Java's here, Python's and JavaScript's where their registries answer. */
class ClientsIT {
    private static final Path SCRIPTS = Path.of("src/test/clients").toAbsolutePath();

    @TempDir
    private static Path directory = Path.of("");

    private static ScriptedUpstream service;
    private static TestGateway gateway;
    private static OpenAIClient client;

    @BeforeAll
    static void start() throws IOException {
        service = new ScriptedUpstream();
        StringBuilder bots = new StringBuilder("bots:\n  local: {champion: default}\n");
        Map<String, String> models = Map.of(
                "service",
                "good",
                "tools",
                "tools",
                "tools-at-once",
                "tools-at-once",
                "structured",
                "structured",
                "busy",
                "busy",
                "broken",
                "broken",
                "slow",
                "slow-stream");
        models.keySet().forEach(bot -> bots.append("  %s: {champion: v1}\n".formatted(bot)));
        gateway = new TestGateway(directory.resolve("data"), bots.toString(), TestGateway.Settings.DEFAULT);
        for (Map.Entry<String, String> model : models.entrySet()) {
            gateway.upstream(model.getKey(), "v1", service.version(model.getValue(), ",\"limits\":{\"retries\":0}"));
        }
        gateway.start();
        client = client(gateway.key());
    }

    @AfterAll
    static void stop() {
        client.close();
        gateway.close();
        service.close();
    }

    private static OpenAIClient client(String key) {
        return OpenAIOkHttpClient.builder()
                .baseUrl(gateway.open("/v1").toString())
                .apiKey(key)
                .maxRetries(0)
                .build();
    }

    private static ChatCompletionCreateParams.Builder question(String bot) {
        return ChatCompletionCreateParams.builder().model(bot).addUserMessage("Where is my card?");
    }

    private static ChatCompletion ask(ChatCompletionCreateParams.Builder question) {
        return client.chat().completions().create(question.build());
    }

    private static String text(ChatCompletion completion) {
        return completion.choices().getFirst().message().content().orElse("");
    }

    @Test
    @SuppressWarnings("deprecation")
    void chatsWithASeedSeveralRepliesAndStopTexts() {
        ChatCompletion first = ask(question("local").user("ann").seed(7).maxCompletionTokens(20));
        assertThat(text(first))
                .isEqualTo(text(ask(question("local").user("ann").seed(7).maxCompletionTokens(20))));
        assertThat(ask(question("local").n(3).maxCompletionTokens(4)).choices()).hasSize(3);
        String word = text(first).split(" ", -1)[2];
        assertThat(text(ask(question("local").seed(7).maxCompletionTokens(20).stop(word))))
                .doesNotContain(word);
    }

    @Test
    void streamsAndPutsTheStreamTogether() {
        ChatCompletionAccumulator whole = ChatCompletionAccumulator.create();
        try (StreamResponse<ChatCompletionChunk> stream =
                client.chat().completions().createStreaming(question("service").build())) {
            stream.stream().forEach(whole::accumulate);
        }
        assertThat(text(whole.chatCompletion())).isEqualTo(ScriptedUpstream.TEXT);
    }

    /** What the structured reply holds. */
    public static final class Where {
        public String place = "";
    }

    @Test
    void callsToolsAndReadsStructuredOutputThroughAnUpstream() {
        ChatCompletion called = ask(question("tools")
                .putAdditionalBodyProperty(
                        "tools",
                        JsonValue.from(List.of(Map.of("type", "function", "function", Map.of("name", "balance"))))));
        assertThat(called.choices().getFirst().message().toolCalls().orElseThrow())
                .singleElement()
                .satisfies(
                        call -> assertThat(call.asFunction().function().name()).isEqualTo("balance"));
        StructuredChatCompletion<Where> structured = client.chat()
                .completions()
                .create(question("structured").responseFormat(Where.class).build());
        assertThat(structured.choices().getFirst().message().content().orElseThrow().place)
                .isEqualTo("Berlin");
    }

    @Test
    void raisesTheErrorOfEachKind() {
        assertThatThrownBy(() -> client("bw-no").models().list()).isInstanceOf(UnauthorizedException.class);
        assertThatThrownBy(() -> client.models().retrieve("nobody")).isInstanceOf(NotFoundException.class);
        assertThatThrownBy(() -> ask(question("nobody"))).isInstanceOf(NotFoundException.class);
        assertThatThrownBy(() -> ask(question("local").temperature(3))).isInstanceOf(BadRequestException.class);
        assertThatThrownBy(() -> ask(question("local").addUserMessage("word ".repeat(3_000))))
                .isInstanceOf(UnprocessableEntityException.class);
        assertThatThrownBy(() -> ask(question("busy"))).isInstanceOf(RateLimitException.class);
        assertThatThrownBy(() -> ask(question("broken"))).isInstanceOf(InternalServerException.class);
    }

    @Test
    void listsAndRetrievesBots() {
        assertThat(client.models().list().data()).anyMatch(model -> model.id().equals("local"));
        assertThat(client.models().retrieve("local").id()).isEqualTo("local");
    }

    @Test
    void hangsUpOnTheServiceWhenAStreamIsClosed() {
        int before = service.abandoned();
        try (StreamResponse<ChatCompletionChunk> stream =
                client.chat().completions().createStreaming(question("slow").build())) {
            assertThat(stream.stream().findFirst()).isPresent();
        }
        TestGateway.await(() -> service.abandoned() > before);
    }

    @Test
    void speaksToPythonsLibrary() throws IOException, InterruptedException {
        Path python = directory.resolve("python");
        install(List.of("python3", "-m", "venv", python.toString()), directory, "python3 with venv");
        String pip = python.resolve("bin/pip").toString();
        install(List.of(pip, "install", "-q", "--disable-pip-version-check", "openai"), directory, "openai for Python");
        int before = service.abandoned();
        runs(
                List.of(
                        python.resolve("bin/python").toString(),
                        SCRIPTS.resolve("official.py").toString()),
                directory);
        TestGateway.await(() -> service.abandoned() > before);
    }

    @Test
    void speaksToJavaScriptsLibrary() throws IOException, InterruptedException {
        Path node = Files.createDirectories(directory.resolve("node"));
        Files.copy(SCRIPTS.resolve("official.mjs"), node.resolve("official.mjs"));
        install(List.of("npm", "install", "--no-audit", "--no-fund", "openai"), node, "openai for JavaScript");
        int before = service.abandoned();
        runs(List.of("node", "official.mjs"), node);
        TestGateway.await(() -> service.abandoned() > before);
    }

    /** Skips the test, saying why, where a registry or a program is not there. */
    private static void install(List<String> command, Path in, String what) throws InterruptedException {
        try {
            Ended ended = run(command, in);
            Assumptions.assumeTrue(ended.status() == 0, what + " cannot be installed here: " + ended.output());
        } catch (IOException e) {
            Assumptions.abort("%s cannot be installed here: %s".formatted(what, e.getMessage()));
        }
    }

    private static void runs(List<String> command, Path in) throws IOException, InterruptedException {
        Ended ended = run(command, in);
        assertThat(ended.output()).endsWith("all done\n");
        assertThat(ended.status()).isZero();
    }

    private record Ended(int status, String output) {}

    private static Ended run(List<String> command, Path in) throws IOException, InterruptedException {
        File output = Files.createTempFile(directory, "output", ".txt").toFile();
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(in.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output);
        builder.environment().put("BASE_URL", gateway.open("/v1").toString());
        builder.environment().put("KEY", gateway.key());
        Process process = builder.start();
        if (!process.waitFor(3, TimeUnit.MINUTES)) {
            process.destroyForcibly();
        }
        return new Ended(process.waitFor(), Files.readString(output.toPath()));
    }
}
