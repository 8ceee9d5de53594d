package dev.bellwether.gateway;

import static dev.bellwether.gateway.TestGateway.JSON;
import static dev.bellwether.gateway.TestGateway.await;
import static dev.bellwether.gateway.TestGateway.events;
import static dev.bellwether.gateway.TestGateway.recorded;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.bellwether.event.Answer;
import dev.bellwether.event.Interaction;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A gateway before a service of somebody else's, which behaves well or badly. */
class UpstreamIT {
    private static final String SECRET = "sk-very-secret-0123456789";
    private static final List<String> BAD = List.of(
            "stall",
            "die",
            "role-then-die",
            "garbage",
            "garbage-stream",
            "empty",
            "busy",
            "broken",
            "locked",
            "gone",
            "redirect",
            "redirect-away");
    private static final List<String> UNTIDY = List.of("done-left-open", "finish-left-open", "finish-without-done");
    private static final List<String> MODELS = List.of(
            "good",
            "tools",
            "tools-at-once",
            "flaky",
            "sick",
            "strict",
            "leaky",
            "leaky-long",
            "slow-stream",
            "die-in-mid-stream",
            "endless");

    @TempDir
    private static Path directory = Path.of("");

    private static ScriptedUpstream service;
    private static TestGateway gateway;

    @BeforeAll
    static void start() throws IOException {
        service = new ScriptedUpstream();
        StringBuilder bots = new StringBuilder("bots:\n");
        for (String model : MODELS) {
            bots.append("  up-%s: {champion: v1, serving: {prices: {good-2026: {input: 2.0, output: 10.0}}}}\n"
                    .formatted(model));
        }
        for (String model : BAD) {
            bots.append("  up-%s: {champion: v1}\n".formatted(model));
            bots.append("  safe-%s: {champion: v1, serving: {fallbacks: [spare]}}\n".formatted(model));
        }
        UNTIDY.forEach(model ->
                bots.append("  up-%s: {champion: v1, serving: {prices: {good-2026: {input: 2.0, output: 10.0}}}}\n"
                        .formatted(model)));
        bots.append("  safe-die-in-mid-stream: {champion: v1, serving: {fallbacks: [spare]}}\n");
        bots.append("  up-prompt: {champion: v1}\n");
        gateway = new TestGateway(
                directory.resolve("data"),
                bots.toString(),
                new TestGateway.Settings(
                        List.of(), Map.of("TEST_KEY", SECRET)::get, "", 4L << 30, TestGateway.SPOOL_BYTES));
        String limits =
                ",\"limits\":{\"first_token\":\"PT0.4S\",\"between_tokens\":\"PT0.4S\",\"reply\":\"PT0.4S\",\"retries\":0}";
        String key = ",\"key\":{\"environment\":\"TEST_KEY\"}";
        for (String model : MODELS) {
            boolean tried = model.equals("flaky");
            gateway.upstream("up-" + model, "v1", service.version(model, key + (tried ? "" : limits)));
        }
        for (String model : UNTIDY) {
            gateway.upstream("up-" + model, "v1", service.version(model, limits));
        }
        for (String model : BAD) {
            gateway.upstream("up-" + model, "v1", service.version(model, key + limits));
            gateway.upstream("safe-" + model, "v1", service.version(model, key + limits));
            gateway.upstream("safe-" + model, "spare", service.version("good", ""));
        }
        String again = ",\"limits\":{\"retries\":3}";
        gateway.upstream("safe-die-in-mid-stream", "v1", service.version("die-in-mid-stream", again));
        gateway.upstream("safe-die-in-mid-stream", "spare", service.version("other", ""));
        gateway.upstream(
                "up-prompt",
                "v1",
                service.version(
                        "good",
                        ",\"system\":\"Answer in one line.\",\"few_shot\":[{\"role\":\"user\",\"content\":\"Hi\"},"
                                + "{\"role\":\"assistant\",\"content\":\"Hello.\"}],\"sampling\":{\"temperature\":0.2,"
                                + "\"max_completion_tokens\":50}"));
        gateway.start();
    }

    @AfterAll
    static void stop() {
        gateway.close();
        service.close();
    }

    @Test
    void recordsWhoAnsweredWithTokensAndCost() throws IOException, InterruptedException {
        JsonNode reply = gateway.chat("up-good", ",\"user\":\"ann\"");
        assertThat(reply.at("/choices/0/message/content").asText()).isEqualTo(ScriptedUpstream.TEXT);
        assertThat(reply.path("model").asText()).isEqualTo("up-good");
        assertThat(reply.path("system_fingerprint").asText()).isEqualTo("fp");
        assertThat(reply.at("/usage/total_tokens").asInt()).isEqualTo(105);
        assertThat(service.lastAuthorization()).isEqualTo("Bearer " + SECRET);
        Interaction interaction = recorded(reply);
        assertThat(interaction.replies().getFirst().version()).isEqualTo("v1");
        assertThat(interaction.replies().getFirst().completionTokens()).isEqualTo(5);
        Answer answer = Objects.requireNonNull(interaction.answer());
        assertThat(answer.model()).isEqualTo("good-2026");
        assertThat(answer.promptTokens()).isEqualTo(100);
        // 100 · 2 + 5 · 10 of a million
        assertThat(answer.cost()).isEqualTo(0.00025);
        assertThat(gateway.judge(TestGateway.token(reply), "{\"kind\":\"thumb\",\"value\":\"up\"}")
                        .statusCode())
                .isEqualTo(202);
    }

    @Test
    void passesAStreamThroughPieceByPieceAndItsUsageOnlyWhenAsked() throws IOException, InterruptedException {
        HttpResponse<String> plain = gateway.ask("up-good", ",\"stream\":true");
        List<JsonNode> events = events(plain.body());
        String text = events.stream()
                .map(event -> event.at("/choices/0/delta/content").asText(""))
                .collect(Collectors.joining());
        assertThat(text).isEqualTo(ScriptedUpstream.TEXT);
        assertThat(events).hasSizeGreaterThan(4).noneMatch(event -> event.has("usage"));
        assertThat(events.getFirst().at("/choices/0/delta/role").asText()).isEqualTo("assistant");
        assertThat(events.getLast().at("/choices/0/finish_reason").asText()).isEqualTo("stop");
        assertThat(events.getLast().at("/bellwether/feedback_token").asText()).isNotEmpty();
        assertThat(plain.body()).endsWith("data: [DONE]\n\n");
        assertThat(recorded(events.getLast()).replies().getFirst().text()).isEqualTo(ScriptedUpstream.TEXT);
        List<JsonNode> counted =
                events(gateway.ask("up-good", ",\"stream\":true,\"stream_options\":{\"include_usage\":true}")
                        .body());
        assertThat(counted.getLast().at("/usage/total_tokens").asInt()).isEqualTo(105);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void showsAndRecordsToolCallsAsTheyAre(boolean stream) throws IOException, InterruptedException {
        String tools = ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"balance\",\"parameters\":{}}}],"
                + "\"tool_choice\":\"required\",\"stream\":%s".formatted(stream);
        HttpResponse<String> response = gateway.ask("up-tools", tools);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        assertThat(service.lastBody().path("tool_choice").asText()).isEqualTo("required");
        JsonNode last = stream ? events(response.body()).getLast() : JSON.readTree(response.body());
        assertThat(last.at("/choices/0/finish_reason").asText()).isEqualTo("tool_calls");
        JsonNode calls =
                Objects.requireNonNull(recorded(last).replies().getFirst().toolCalls());
        assertThat(calls.at("/0/function/arguments").asText()).isEqualTo("{\"of\":1}");
        assertThat(calls.at("/0/id").asText()).isEqualTo("call_1");
        if (!stream) {
            assertThat(last.at("/choices/0/message/tool_calls")).isEqualTo(calls);
        }
    }

    @Test
    void numbersToolCallsThatComeAllAtOnceInAStream() throws IOException, InterruptedException {
        List<JsonNode> events =
                events(gateway.ask("up-tools-at-once", ",\"stream\":true").body());
        JsonNode call = events.getFirst().at("/choices/0/delta/tool_calls/0");
        assertThat(call.path("index").isInt()).as(events.toString()).isTrue();
        assertThat(call.at("/function/arguments").asText()).isEqualTo("{\"of\":1}");
        JsonNode recorded = Objects.requireNonNull(
                recorded(events.getLast()).replies().getFirst().toolCalls());
        assertThat(recorded.get(0).has("index")).isFalse();
    }

    @Test
    void givesTheServiceItsVersionsInstructionsAndSamplingWhereTheCallerHasNone()
            throws IOException, InterruptedException {
        gateway.chat("up-prompt", ",\"max_tokens\":9,\"seed\":null,\"metadata\":{\"a\":\"b\"},\"user\":\"ann\"");
        JsonNode sent = service.lastBody();
        assertThat(sent.at("/messages/0/content").asText()).isEqualTo("Answer in one line.");
        assertThat(sent.at("/messages/2/content").asText()).isEqualTo("Hello.");
        assertThat(sent.at("/messages/3/content").asText()).isEqualTo("Where is my card?");
        assertThat(sent.path("temperature").asDouble()).isEqualTo(.2);
        assertThat(sent.path("max_tokens").asInt()).isEqualTo(9);
        assertThat(sent.has("max_completion_tokens")).isFalse();
        assertThat(sent.has("metadata")).as("what the service is not to keep").isFalse();
        assertThat(sent.has("bellwether")).isFalse();
        gateway.chat("up-prompt", ",\"top_logprobs\":\"x\"");
        assertThat(service.lastBody().path("top_logprobs").asText())
                .as("what the service is to judge")
                .isEqualTo("x");
        gateway.chat("up-prompt", ",\"seed\":5.0");
        assertThat(service.lastBody().path("seed").isIntegralNumber()).isTrue();
    }

    @Test
    void passesOnWhatItDoesNotKnowAsItIs() throws IOException, InterruptedException {
        String asked = """
                {"model":"up-good","messages":[
                  {"role":"user","content":[{"type":"text","text":"What is this?"},
                    {"type":"image_url","image_url":{"url":"https://pictures.example/card.png","detail":"low"}}]}],
                 "tools":[{"type":"function","function":{"name":"balance","strict":true,
                   "parameters":{"type":"object","properties":{}}}}],
                 "response_format":{"type":"json_schema","json_schema":{"name":"place","schema":{"type":"object"}}},
                 "logprobs":true,"top_logprobs":2,"logit_bias":{"50256":-100},"brand_new":{"deep":[1,{"a":null}]}}
                """;
        HttpResponse<String> response =
                TestGateway.send("POST", gateway.open("/v1/chat/completions"), asked, gateway.key());
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        JsonNode sent = service.lastBody();
        JsonNode given = JSON.readTree(asked);
        for (String field : List.of(
                "messages", "tools", "response_format", "logprobs", "top_logprobs", "logit_bias", "brand_new")) {
            assertThat(sent.path(field)).as(field).isEqualTo(given.path(field));
        }
        assertThat(recorded(JSON.readTree(response.body())).prompt().getFirst().content())
                .contains("What is this?", "[image_url]");
    }

    @Test
    void generatesSeveralReplies() throws IOException, InterruptedException {
        JsonNode reply = gateway.chat("up-good", ",\"n\":3");
        assertThat(reply.path("choices")).hasSize(3);
        assertThat(recorded(reply).replies()).hasSize(3);
    }

    @ParameterizedTest
    @CsvSource({
        "stall,504,upstream_timeout",
        "die,502,upstream_unreachable",
        "garbage,502,upstream_invalid",
        "empty,502,upstream_invalid",
        "busy,429,scripted",
        "broken,500,scripted",
        "strict,400,scripted",
        "locked,502,upstream_refused",
        "gone,502,upstream_refused",
        "redirect,502,upstream_redirect",
        "redirect-away,502,upstream_redirect"
    })
    void saysWhatIsWrongWithTheService(String model, int status, String code) throws IOException, InterruptedException {
        for (String stream : List.of("", ",\"stream\":true")) {
            HttpResponse<String> response = gateway.ask("up-" + model, stream);
            assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
            assertThat(JSON.readTree(response.body()).at("/error/code").asText())
                    .isEqualTo(code);
            assertThat(response.body()).doesNotContain(SECRET).doesNotContain("v1");
        }
    }

    @ParameterizedTest
    @FieldSource("BAD")
    void fallsBackAndCreditsTheVersionThatAnswered(String model) throws IOException, InterruptedException {
        HttpResponse<String> response = gateway.ask("safe-" + model, ",\"stream\":true,\"user\":\"ann\"");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        JsonNode last = events(response.body()).getLast();
        Interaction interaction = recorded(last);
        assertThat(interaction.replies().getFirst().version()).isEqualTo("spare");
        assertThat(interaction.fallback()).isTrue();
        Answer answer = Objects.requireNonNull(interaction.answer());
        assertThat(answer.failures()).singleElement().satisfies(failure -> {
            assertThat(failure.version()).isEqualTo("v1");
            assertThat(failure.reason()).isNotBlank().doesNotContain(SECRET);
        });
    }

    @ParameterizedTest
    @FieldSource("UNTIDY")
    void takesAReplyThatIsAllThereWhateverBecomesOfItsConnection(String model)
            throws IOException, InterruptedException {
        List<JsonNode> events =
                events(gateway.ask("up-" + model, ",\"stream\":true").body());
        StringBuilder text = new StringBuilder();
        events.forEach(event -> text.append(event.at("/choices/0/delta/content").asText()));
        assertThat(text).hasToString(ScriptedUpstream.TEXT);
        assertThat(events).noneMatch(event -> event.has("error"));
        Interaction interaction = recorded(events.getLast());
        assertThat(interaction.replies().getFirst().text()).isEqualTo(ScriptedUpstream.TEXT);
        assertThat(Objects.requireNonNull(interaction.answer()).cost())
                .as("nobody said how much it was")
                .isNull();
    }

    @Test
    void endsAStreamThatDiesWithAnErrorAndNeverBeginsAnother() throws IOException, InterruptedException {
        int before = service.calls("die-in-mid-stream");
        HttpResponse<String> response = gateway.ask("safe-die-in-mid-stream", ",\"stream\":true");
        List<JsonNode> events = events(response.body());
        assertThat(events.getFirst().at("/choices/0/delta/content").asText()).isEqualTo("It is");
        assertThat(events.getLast().at("/error/code").asText()).isEqualTo("upstream_interrupted");
        assertThat(service.calls("die-in-mid-stream"))
                .as("three more would be allowed before the first token")
                .isEqualTo(before + 1);
        assertThat(service.calls("other")).as("the fallback's").isZero();
        HttpResponse<String> silent = gateway.ask("up-slow-stream", ",\"stream\":true");
        assertThat(events(silent.body()).getLast().at("/error/code").asText()).isEqualTo("upstream_timeout");
    }

    @Test
    void boundsWhatAServiceMaySend() throws IOException, InterruptedException {
        HttpResponse<String> response = gateway.ask("up-endless", ",\"stream\":true");
        assertThat(events(response.body()).getLast().at("/error/code").asText()).isEqualTo("upstream_invalid");
    }

    @Test
    void triesAgainBeforeTheFirstToken() throws IOException, InterruptedException {
        for (int i = 0; i < 4; i++) {
            assertThat(gateway.ask("up-flaky", ",\"stream\":true").statusCode()).isEqualTo(200);
        }
        assertThat(service.calls("flaky")).isEqualTo(8);
    }

    @Test
    void neverShowsTheServicesKey() throws IOException, InterruptedException {
        HttpResponse<String> response = gateway.ask("up-leaky", "");
        assertThat(response.statusCode()).isEqualTo(500);
        assertThat(response.body()).contains("***").doesNotContain(SECRET);
        assertThat(gateway.ask("up-leaky-long", "").body())
                .as("where the message is cut stands a piece of the key")
                .contains("xxx")
                .doesNotContain(SECRET.substring(0, 4));
    }

    @Test
    void leavesASickServiceAloneAndComesBackWhenItIsWell() throws IOException, InterruptedException {
        for (int i = 0; i < 20; i++) {
            gateway.ask("up-sick", "");
        }
        int before = service.calls("sick");
        HttpResponse<String> open = gateway.ask("up-sick", "");
        assertThat(open.statusCode()).isEqualTo(503);
        assertThat(open.headers().firstValue("retry-after")).isPresent();
        assertThat(service.calls("sick")).as("the open breaker asks nothing").isEqualTo(before);
        service.heal();
        await(() -> gateway.ask("up-sick", "").statusCode() == 200);
    }

    @Test
    void hangsUpOnTheServiceWhenTheReaderLeaves() throws Exception {
        int before = service.abandoned();
        HttpResponse<java.io.InputStream> response = TestGateway.HTTP.send(
                TestGateway.request(
                        "POST",
                        gateway.open("/v1/chat/completions"),
                        TestGateway.question("up-slow-stream", ",\"stream\":true"),
                        gateway.key()),
                HttpResponse.BodyHandlers.ofInputStream());
        try (BufferedReader reader =
                new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
            assertThat(reader.readLine()).startsWith("data: ");
        }
        await(() -> service.abandoned() > before);
    }
}
