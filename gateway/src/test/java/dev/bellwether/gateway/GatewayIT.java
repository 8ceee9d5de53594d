package dev.bellwether.gateway;

import static dev.bellwether.gateway.TestGateway.HTTP;
import static dev.bellwether.gateway.TestGateway.JSON;
import static dev.bellwether.gateway.TestGateway.await;
import static dev.bellwether.gateway.TestGateway.question;
import static dev.bellwether.gateway.TestGateway.recorded;
import static dev.bellwether.gateway.TestGateway.records;
import static dev.bellwether.gateway.TestGateway.request;
import static dev.bellwether.gateway.TestGateway.send;
import static dev.bellwether.gateway.TestGateway.token;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.bellwether.event.FeedbackSignal;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.Reply;
import dev.bellwether.event.SampledTokens;
import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.LearnedFrom;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.standalone.DataFolder;
import dev.bellwether.topic.Topics;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A whole gateway with real Kafka and Redis, spoken to by the official OpenAI client and by plain HTTP. */
class GatewayIT {
    @TempDir
    private static Path directory = Path.of("");

    private static TestGateway gateway;
    private static DataFolder folder;

    @BeforeAll
    static void start() throws IOException {
        gateway = new TestGateway(directory.resolve("data"), """
                bots:
                  support:
                    champion: default
                    chat: {page: true, completion_tokens_max: 96, thumb_reasons: [wrong, rude]}
                    serving: {record_tokens: true}
                """, TestGateway.Settings.DEFAULT).start();
        folder = gateway.folder();
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    private static URI open(String path) {
        return gateway.open(path);
    }

    private static URI operator(String path) {
        return gateway.operator(path);
    }

    private static JsonNode chat(String extension) throws IOException, InterruptedException {
        return gateway.chat("support", ",\"user\":\"mia\",\"bellwether\":{%s}".formatted(extension));
    }

    private static HttpResponse<String> judge(String token, String body, String... headers)
            throws IOException, InterruptedException {
        return gateway.judge(token, body, headers);
    }

    @Test
    void recordsTheInteractionAndTheVote() throws IOException, InterruptedException {
        JsonNode reply = chat("\"duel\":\"always\"");
        assertThat(reply.path("choices")).hasSize(2);
        Interaction interaction = recorded(reply);
        assertThat(interaction.replies()).hasSize(2);
        assertThat(interaction.userHash()).isNotEqualTo("mia").hasSize(32);
        HttpResponse<String> vote = judge(token(reply), "{\"kind\":\"preference\",\"chosen\":1}");
        assertThat(vote.statusCode()).isEqualTo(202);
        String feedbackId = JSON.readTree(vote.body()).path("feedback_id").asText();
        await(() -> records(Topics.FEEDBACK).stream()
                .anyMatch(feedback -> feedback.feedbackId().equals(feedbackId)));
        HttpResponse<String> withdrawn = send("DELETE", open("/v1/feedback/" + feedbackId), "", token(reply));
        assertThat(withdrawn.statusCode()).isEqualTo(202);
        await(() -> records(Topics.FEEDBACK).stream().anyMatch(feedback -> feedbackId.equals(feedback.withdraws())));
    }

    @Test
    void asksEveryoneToForgetAUserAndNamesTheVersionsThatLearnedFromThem() throws IOException, InterruptedException {
        String hash = Objects.requireNonNull(recorded(chat("")).userHash());
        PolicyStore store = new PolicyStore(folder.store());
        store.publish(
                new ArtefactLabel(
                        "support", "taught", ArtefactKind.CHECKPOINT, "default", null, Instant.EPOCH, null, null),
                target -> LearnedFrom.users(List.of("others", hash)).write(target));
        store.publish(
                new ArtefactLabel(
                        "support", "child", ArtefactKind.CHECKPOINT, "taught", null, Instant.EPOCH, null, null),
                target -> LearnedFrom.users(List.of("others")).write(target));
        HttpResponse<String> erased = send("DELETE", open("/v1/users/mia"), "", folder.apiKey());
        assertThat(erased.statusCode()).isEqualTo(202);
        JsonNode answer = JSON.readTree(erased.body());
        assertThat(answer.path("bots")).extracting(JsonNode::asText).containsExactly("support");
        assertThat(Instant.parse(answer.path("erased_by").asText()))
                .isAfter(Instant.now().plus(Duration.ofDays(30)));
        assertThat(answer.path("weights").asText()).contains("are not changed");
        assertThat(answer.path("versions"))
                .extracting(each -> each.path("version").asText())
                .containsExactly("child", "taught");
        await(() -> records(Topics.ERASURES).stream()
                .anyMatch(each -> each.userHash().equals(hash)));
        assertThat(send("DELETE", open("/v1/users/mia"), "", null).statusCode()).isEqualTo(401);
        assertThat(send("GET", open("/v1/users/mia"), "", folder.apiKey()).statusCode())
                .isEqualTo(405);
        assertThat(JSON.readTree(send("DELETE", open("/v1/users/nobody%20we%40know"), "", folder.apiKey())
                                .body())
                        .path("user")
                        .asText())
                .isEqualTo("nobody we@know");
        store.remove("support", "taught");
        store.remove("support", "child");
    }

    @Test
    void masksPersonalDataInWhatItRecordsAndNotInWhatItAnswers() throws IOException, InterruptedException {
        String body = "{\"model\":\"support\",\"user\":\"mia\",\"messages\":[{\"role\":\"user\",\"content\":"
                + "\"My card 4111 1111 1111 1111 is lost, write to mia@example.com\"}]}";
        JsonNode reply = JSON.readTree(send("POST", open("/v1/chat/completions"), body, folder.apiKey())
                .body());
        assertThat(recorded(reply).prompt().getFirst().content()).isEqualTo("My card [card] is lost, write to [email]");
        String vote = judge(token(reply), "{\"kind\":\"edit\",\"text\":\"Call +49 30 901820\"}")
                .body();
        String feedbackId = JSON.readTree(vote).path("feedback_id").asText();
        await(() -> records(Topics.FEEDBACK).stream()
                .anyMatch(feedback -> feedback.feedbackId().equals(feedbackId)
                        && feedback.signal() instanceof FeedbackSignal.Edit edit
                        && edit.text().equals("Call [phone]")));
    }

    @Test
    void recordsTheTokensThatItDrewWhereTheBotAsksForThem() throws IOException, InterruptedException {
        JsonNode reply = chat("");
        Reply recorded = recorded(reply).replies().getFirst();
        SampledTokens sampled = Objects.requireNonNull(recorded.sampled());
        assertThat(sampled.logProbabilities()).allMatch(each -> each <= 0);
        int[] ids = sampled.ids().stream()
                .limit(recorded.completionTokens())
                .mapToInt(Integer::intValue)
                .toArray();
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(folder.store().resolve("support/default"))) {
            assertThat(tokenizer.decode(ids).strip()).isEqualTo(recorded.text().strip());
        }
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
    void recordsTenThousandVotesOfOnePersonAndSaysThatTheyAreTooMany() throws Exception {
        JsonNode reply = JSON.readTree(
                send("POST", open("/v1/chat/completions"), question("support", ",\"user\":\"eager\""), folder.apiKey())
                        .body());
        int before = records(Topics.FEEDBACK).size();
        AtomicInteger accepted = new AtomicInteger();
        try (ExecutorService voters = Executors.newFixedThreadPool(8)) {
            for (int i = 0; i < 10_000; i++) {
                var _ = voters.submit(() -> {
                    HttpResponse<String> answer = HTTP.send(
                            request(
                                    "POST",
                                    open("/v1/feedback"),
                                    "{\"kind\":\"thumb\",\"value\":\"up\"}",
                                    token(reply)),
                            HttpResponse.BodyHandlers.ofString());
                    return answer.statusCode() == 202 ? accepted.incrementAndGet() : 0;
                });
            }
        }
        assertThat(accepted).hasValue(10_000);
        assertThat(send("GET", operator("/metrics"), "", null).body())
                .containsPattern("bellwether_feedback_over_cap_total\\{bot=\"support\"\\} 9980");
        await(() -> records(Topics.FEEDBACK).size() >= before + 10_000);
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
    void servesABotThatIsAddedWhileItRunsAsSoonAsItsChampionIsInTheStoreAndUnloadsOneThatIsTakenOut()
            throws IOException, InterruptedException {
        Files.writeString(
                folder.keys(), Files.readString(folder.keys()).replace("[\"support\"]", "[\"support\", \"second\"]"));
        Files.writeString(folder.bots(), "\n  second: {champion: default}\n", StandardOpenOption.APPEND);
        String chat = "{\"model\":\"second\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello?\"}]}";
        Callable<HttpResponse<String>> answer = () -> send("POST", open("/v1/chat/completions"), chat, folder.apiKey());
        await(() -> answer.call().statusCode() == 503 && answer.call().body().contains("policy_unavailable"));
        URI state = operator("/operator/v1/bots/second");
        assertThat(send("GET", state, "", folder.operatorKey()).body()).contains("version default is not in the store");
        Path shipped = folder.store().resolve("support/default");
        new PolicyStore(folder.store())
                .publish(ArtefactLabel.added("second", "default", ArtefactKind.CHECKPOINT, Instant.now()), target -> {
                    try (DirectoryStream<Path> files = Files.newDirectoryStream(shipped, "[!m]*")) {
                        for (Path file : files) {
                            Files.copy(file, target.resolve(file.getFileName()));
                        }
                    }
                    Files.copy(shipped.resolve("model.safetensors"), target.resolve("model.safetensors"));
                });
        await(() -> answer.call().statusCode() == 200);
        long engines = engines();
        String both = Files.readString(folder.bots());
        Files.writeString(folder.bots(), both.replace("\n  second: {champion: default}\n", ""));
        await(() -> answer.call().statusCode() == 404 && engines() == engines - 1);
        Files.writeString(folder.bots(), both);
        await(() -> answer.call().statusCode() == 200);
    }

    /** Models in memory: each has a thread of its own. */
    private static long engines() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("engine"))
                .count();
    }

    @Test
    void endsRepliesUnderWayBeforeItStops() throws Exception {
        TestGateway leaving = new TestGateway(
                        directory.resolve("leaving"),
                        "bots: {leaving: {champion: default}}\n",
                        TestGateway.Settings.DEFAULT)
                .start();
        HttpRequest request = request(
                "POST", leaving.open("/v1/chat/completions"), question("leaving", ",\"stream\":true"), leaving.key());
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
        URI promote = operator("/operator/v1/bots/support/rollout/promote");
        assertThat(send("POST", promote, "", folder.operatorKey()).statusCode())
                .as("what was seen must be said")
                .isEqualTo(428);
        URI start = operator("/operator/v1/bots/support/rollout/start");
        HttpResponse<String> unknown = send("POST", start, "{\"version\":\"typo\"}", folder.operatorKey());
        assertThat(unknown.statusCode()).isEqualTo(404);
        assertThat(unknown.body()).contains("version_not_found");
        assertThat(records(Topics.ROLLOUT_COMMANDS).stream()
                        .filter(command -> command.bot().equals("support")))
                .hasSize(1);
        assertThat(send("GET", operator("/metrics"), "", null).body()).contains("bellwether_http_requests");
    }

    @Test
    void servesItsContractAndSaysWhatTheStoreHas() throws IOException, InterruptedException {
        assertThat(send("GET", open("/openapi.yaml"), "", null).body()).startsWith("openapi: 3.");
        HttpResponse<String> versions =
                send("GET", operator("/operator/v1/bots/support/versions"), "", folder.operatorKey());
        assertThat(versions.body())
                .contains("{\"version\":\"default\",\"kind\":\"checkpoint\"", "\"role\":\"champion\"");
    }
}
