package dev.bellwether.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.NotFoundException;
import com.openai.errors.UnauthorizedException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.Interaction;
import dev.bellwether.standalone.DataFolder;
import dev.bellwether.standalone.LocalKafka;
import dev.bellwether.standalone.LocalRedis;
import dev.bellwether.standalone.Ports;
import dev.bellwether.topic.Topic;
import dev.bellwether.topic.Topics;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A whole gateway with real Kafka and Redis, spoken to by the official OpenAI client and by plain HTTP. */
class GatewayIT {
    private static final Path HOME = Path.of("..");
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    @TempDir
    private static Path directory = Path.of("");

    private static LocalKafka kafka;
    private static LocalRedis redis;
    private static Gateway gateway;
    private static DataFolder folder;
    private static int port;
    private static int operatorPort;

    @BeforeAll
    static void start() throws IOException {
        kafka = LocalKafka.start(directory.resolve("kafka"));
        redis = LocalRedis.start(directory.resolve("redis"));
        folder = DataFolder.open(directory.resolve("data"));
        folder.prepare(HOME, Optional.empty());
        port = Ports.free();
        operatorPort = Ports.free();
        gateway = Gateway.start(config(port, operatorPort));
        await(() -> send("GET", operator("/readyz"), "", null).body().contains("\"ready\""));
    }

    private static GatewayConfig config(int port, int operatorPort) {
        return new GatewayConfig(
                "127.0.0.1",
                port,
                operatorPort,
                kafka.bootstrapServers(),
                (short) 1,
                redis.url(),
                folder.bots(),
                folder.keys(),
                folder.tokenKeys(),
                folder.store(),
                List.of(),
                1_000_000,
                true,
                Map.<String, String>of()::get);
    }

    @AfterAll
    static void stop() {
        gateway.close();
        folder.close();
        redis.close();
        kafka.close();
    }

    private static void await(Callable<Boolean> condition) {
        Awaitility.await().atMost(Duration.ofMinutes(1)).ignoreExceptions().until(condition);
    }

    private static URI open(String path) {
        return URI.create("http://127.0.0.1:%d%s".formatted(port, path));
    }

    private static URI operator(String path) {
        return URI.create("http://127.0.0.1:%d%s".formatted(operatorPort, path));
    }

    private static HttpResponse<String> send(
            String method, URI uri, String body, @Nullable String bearer, String... headers)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri)
                .timeout(Duration.ofSeconds(20))
                .header("content-type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(body));
        if (bearer != null) {
            request.header("authorization", "Bearer " + bearer);
        }
        if (headers.length > 0) {
            request.headers(headers);
        }
        return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private static JsonNode chat(String extension) throws IOException, InterruptedException {
        String body = "{\"model\":\"support\",\"user\":\"mia\",\"messages\":[{\"role\":\"user\",\"content\":"
                + "\"Where is my card?\"}],\"bellwether\":{%s}}".formatted(extension);
        HttpResponse<String> response = send("POST", open("/v1/chat/completions"), body, folder.apiKey());
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return JSON.readTree(response.body());
    }

    private static String token(JsonNode reply) {
        return reply.path("bellwether").path("feedback_token").asText();
    }

    private static HttpResponse<String> judge(String token, String body, String... headers)
            throws IOException, InterruptedException {
        return send("POST", open("/v1/feedback"), body, token, headers);
    }

    private static <E extends Event> Map<String, E> records(Topic<E> topic) {
        try (KafkaConsumer<String, E> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", kafka.bootstrapServers()),
                new StringDeserializer(),
                topic.valueSerde().deserializer())) {
            List<TopicPartition> partitions = IntStream.range(0, topic.partitions())
                    .mapToObj(partition -> new TopicPartition(topic.name(), partition))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            List<E> all = new ArrayList<>();
            while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.getOrDefault(p, 0L))) {
                consumer.poll(Duration.ofMillis(200)).forEach(record -> all.add(record.value()));
            }
            return all.stream()
                    .collect(Collectors.toMap(
                            event -> event instanceof Interaction interaction
                                    ? interaction.interactionId()
                                    : event instanceof Feedback feedback ? feedback.feedbackId() : event.toString(),
                            event -> event,
                            (first, second) -> second));
        }
    }

    private static OpenAIClient client(String key) {
        return OpenAIOkHttpClient.builder()
                .baseUrl(open("/v1").toString())
                .apiKey(key)
                .maxRetries(0)
                .build();
    }

    private static ChatCompletionCreateParams question(String model) {
        return ChatCompletionCreateParams.builder()
                .model(model)
                .addUserMessage("How long does a transfer take?")
                .safetyIdentifier("ann")
                .build();
    }

    @Test
    void chatsWithTheOfficialClient() {
        OpenAIClient client = client(folder.apiKey());
        ChatCompletion completion = client.chat().completions().create(question("support"));
        assertThat(completion.choices()).hasSize(1);
        assertThat(completion.choices().getFirst().message().content().orElseThrow())
                .isNotBlank();
        assertThat(completion.usage().orElseThrow().completionTokens()).isPositive();
        client.close();
    }

    @Test
    void streamsWithTheOfficialClient() {
        OpenAIClient client = client(folder.apiKey());
        StringBuilder text = new StringBuilder();
        List<String> finishes = new ArrayList<>();
        try (StreamResponse<ChatCompletionChunk> stream =
                client.chat().completions().createStreaming(question("support"))) {
            stream.stream().flatMap(chunk -> chunk.choices().stream()).forEach(choice -> {
                choice.delta().content().ifPresent(text::append);
                choice.finishReason().ifPresent(reason -> finishes.add(reason.toString()));
            });
        }
        assertThat(text).isNotEmpty();
        assertThat(finishes).singleElement().isIn("stop", "length");
        client.close();
    }

    @Test
    void refusesWrongKeysAndUnknownBotsAsTheOfficialClientExpects() {
        assertThatThrownBy(() -> client("bw-wrong").chat().completions().create(question("support")))
                .isInstanceOf(UnauthorizedException.class);
        assertThatThrownBy(() -> client(folder.apiKey()).chat().completions().create(question("other")))
                .isInstanceOf(NotFoundException.class)
                .hasMessageContaining("other");
    }

    @Test
    void recordsTheInteractionAndTheVoteBeforeItAnswers() throws IOException, InterruptedException {
        JsonNode reply = chat("\"duel\":\"always\"");
        assertThat(reply.path("choices")).hasSize(2);
        String id = reply.path("bellwether").path("interaction_id").asText();
        Interaction interaction =
                Optional.ofNullable(records(Topics.INTERACTIONS).get(id)).orElseThrow();
        assertThat(interaction.replies()).hasSize(2);
        assertThat(interaction.userHash()).isNotEqualTo("mia").hasSize(32);
        HttpResponse<String> vote = judge(token(reply), "{\"kind\":\"preference\",\"chosen\":1}");
        assertThat(vote.statusCode()).isEqualTo(202);
        String feedbackId = JSON.readTree(vote.body()).path("feedback_id").asText();
        assertThat(records(Topics.FEEDBACK)).containsKey(feedbackId);
        HttpResponse<String> withdrawn = send("DELETE", open("/v1/feedback/" + feedbackId), "", token(reply));
        assertThat(withdrawn.statusCode()).isEqualTo(202);
        assertThat(records(Topics.FEEDBACK).values()).anyMatch(feedback -> feedbackId.equals(feedback.withdraws()));
    }

    @Test
    void answersARepeatedJudgementAsBeforeAndRefusesAnotherUnderItsKey() throws IOException, InterruptedException {
        String token = token(chat(""));
        String up = "{\"kind\":\"thumb\",\"value\":\"up\"}";
        HttpResponse<String> first = judge(token, up, "idempotency-key", "k1");
        HttpResponse<String> again = judge(token, up, "idempotency-key", "k1");
        assertThat(again.statusCode()).isEqualTo(202);
        assertThat(again.body()).isEqualTo(first.body());
        assertThat(again.headers().firstValue("idempotent-replayed")).hasValue("true");
        HttpResponse<String> other = judge(token, up.replace("up", "down"), "idempotency-key", "k1");
        assertThat(other.statusCode()).isEqualTo(409);
    }

    @Test
    void refusesBadFeedbackWithAPointer() throws IOException, InterruptedException {
        String token = token(chat(""));
        Map<String, String> bad = Map.of(
                "{\"kind\":\"applause\"}", "/kind",
                "{\"kind\":\"thumb\",\"value\":\"sideways\"}", "/value",
                "{\"kind\":\"thumb\",\"value\":\"up\",\"extra\":1}", "/extra",
                "{\"kind\":\"rating\",\"value\":6}", "/value",
                "{\"kind\":\"thumb\",\"value\":\"up\",\"choice\":1}", "/choice",
                "{\"kind\":\"edit\",\"text\":\"\"}", "/text");
        for (Map.Entry<String, String> each : bad.entrySet()) {
            HttpResponse<String> response = judge(token, each.getKey());
            assertThat(response.statusCode()).as(each.getKey()).isEqualTo(422);
            assertThat(JSON.readTree(response.body()).path("pointer").asText())
                    .as(response.body())
                    .isEqualTo(each.getValue());
            assertThat(response.headers().firstValue("content-type")).hasValue("application/problem+json");
        }
        assertThat(judge(token + "x", "{}").statusCode()).isEqualTo(403);
        assertThat(judge("forged", "{}").statusCode()).isEqualTo(403);
        HttpResponse<String> none = send("POST", open("/v1/feedback"), "{}", null);
        assertThat(none.statusCode()).isEqualTo(401);
        assertThat(none.body()).contains("missing_token").contains("bellwether.feedback_token");
    }

    @Test
    void refusesBadChatsNamingTheField() throws IOException, InterruptedException {
        Map<String, Integer> bad = Map.of(
                "{",
                400,
                "{\"model\":\"support\",\"model\":\"support\"}",
                400,
                "[]",
                400,
                "{\"model\":\"support\",\"messages\":[]}",
                400,
                "{\"model\":\"support\",\"messages\":[{\"role\":\"user\",\"content\":\" \"}]}",
                422,
                "{\"model\":\"support\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}"
                        .formatted("word ".repeat(2_000)),
                422,
                "{\"model\":\"support\",\"tools\":[{}],\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
                400);
        for (Map.Entry<String, Integer> each : bad.entrySet()) {
            HttpResponse<String> response = send("POST", open("/v1/chat/completions"), each.getKey(), folder.apiKey());
            assertThat(response.statusCode()).as(each.getKey()).isEqualTo(each.getValue());
            assertThat(JSON.readTree(response.body()).at("/error/message").asText())
                    .isNotBlank();
        }
        String large = "{\"model\":\"%s\"}".formatted("x".repeat(1_100_000));
        assertThat(send("POST", open("/v1/chat/completions"), large, folder.apiKey())
                        .statusCode())
                .isEqualTo(413);
        assertThat(send("PUT", open("/v1/chat/completions"), "{}", folder.apiKey())
                        .statusCode())
                .isEqualTo(405);
        assertThat(send("GET", open("/nowhere"), "", null).statusCode()).isEqualTo(404);
    }

    @Test
    void servesABotThatIsAddedWhileItRunsAsSoonAsItsChampionIsInTheStore() throws IOException, InterruptedException {
        Files.writeString(
                folder.keys(), Files.readString(folder.keys()).replace("[\"support\"]", "[\"support\", \"second\"]"));
        Files.writeString(folder.bots(), "\n  second: {champion: default}\n", StandardOpenOption.APPEND);
        String chat = "{\"model\":\"second\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello?\"}]}";
        Callable<HttpResponse<String>> answer = () -> send("POST", open("/v1/chat/completions"), chat, folder.apiKey());
        await(() -> answer.call().statusCode() == 503 && answer.call().body().contains("policy_unavailable"));
        URI state = operator("/operator/v1/bots/second");
        assertThat(send("GET", state, "", folder.operatorKey()).body()).contains("version default is not in the store");
        Path unfinished = Files.createDirectories(folder.store().resolve("second/.unfinished"));
        try (DirectoryStream<Path> files =
                Files.newDirectoryStream(folder.store().resolve("support/default"))) {
            for (Path file : files) {
                Files.copy(file, unfinished.resolve(file.getFileName()));
            }
        }
        Files.move(unfinished, folder.store().resolve("second/default"));
        await(() -> answer.call().statusCode() == 200);
    }

    @Test
    void endsRepliesUnderWayBeforeItStops() throws Exception {
        int ownPort = Ports.free();
        Gateway leaving = Gateway.start(config(ownPort, Ports.free()));
        HttpRequest request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:%d/v1/chat/completions".formatted(ownPort)))
                .timeout(Duration.ofSeconds(20))
                .header("content-type", "application/json")
                .header("authorization", "Bearer " + folder.apiKey())
                .POST(HttpRequest.BodyPublishers.ofString("{\"model\":\"support\",\"stream\":true,\"messages\":"
                        + "[{\"role\":\"user\",\"content\":\"How do I block a stolen card?\"}]}"))
                .build();
        await(() -> HTTP.send(request, HttpResponse.BodyHandlers.ofString()).statusCode() == 200);
        try (BufferedReader reply = new BufferedReader(new InputStreamReader(
                HTTP.send(request, HttpResponse.BodyHandlers.ofInputStream()).body(), StandardCharsets.UTF_8))) {
            reply.readLine();
            CompletableFuture<Void> closed = CompletableFuture.runAsync(leaving::close);
            assertThat(reply.lines()).contains("data: [DONE]");
            closed.get(30, TimeUnit.SECONDS);
        }
        assertThatThrownBy(() -> HTTP.send(request, HttpResponse.BodyHandlers.ofString()))
                .isInstanceOf(ConnectException.class);
    }

    @Test
    void servesTheChatPageWithAKeyForThatBotAlone() throws IOException, InterruptedException {
        HttpResponse<String> page = send("GET", open("/"), "", null);
        assertThat(page.statusCode()).isEqualTo(200);
        String key = page.body().replaceAll("(?s).*name=\"bellwether-key\" content=\"([^\"]+)\".*", "$1");
        String chat = "{\"model\":\"support\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello?\"}]}";
        assertThat(send("POST", open("/v1/chat/completions"), chat, key).statusCode())
                .isEqualTo(200);
        assertThat(send("POST", open("/v1/chat/completions"), chat.replace("support", "other"), key)
                        .statusCode())
                .isEqualTo(401);
        assertThat(send("GET", open("/v1/models"), "", key).statusCode()).isEqualTo(401);
    }

    @Test
    void showsOperatorsTheStateAndTakesTheirCommands() throws IOException, InterruptedException {
        HttpResponse<String> state = send("GET", operator("/operator/v1/bots/support"), "", folder.operatorKey());
        assertThat(JSON.readTree(state.body()).path("rollout").path("champion").asText())
                .isEqualTo("default");
        URI abort = operator("/operator/v1/bots/support/rollout/abort");
        assertThat(send("POST", abort, "", folder.apiKey()).statusCode()).isEqualTo(403);
        URI pause = operator("/operator/v1/bots/support/rollout/pause");
        assertThat(send("POST", pause, "", folder.operatorKey(), "if-match", "\"7\"")
                        .statusCode())
                .isEqualTo(412);
        assertThat(send("POST", abort, "", folder.operatorKey(), "if-match", "\"7\"")
                        .statusCode())
                .as("an abort is taken whatever was seen")
                .isEqualTo(202);
        URI start = operator("/operator/v1/bots/support/rollout/start");
        HttpResponse<String> unknown = send("POST", start, "{\"version\":\"typo\"}", folder.operatorKey());
        assertThat(unknown.statusCode()).isEqualTo(404);
        assertThat(unknown.body()).contains("version_not_found");
        assertThat(records(Topics.ROLLOUT_COMMANDS)).hasSize(1);
        assertThat(send("GET", operator("/metrics"), "", null).body()).contains("bellwether_http_requests");
    }
}
