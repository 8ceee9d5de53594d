package dev.bellwether.gateway;

import static dev.bellwether.gateway.TestGateway.HTTP;
import static dev.bellwether.gateway.TestGateway.JSON;
import static dev.bellwether.gateway.TestGateway.await;
import static dev.bellwether.gateway.TestGateway.events;
import static dev.bellwether.gateway.TestGateway.question;
import static dev.bellwether.gateway.TestGateway.recorded;
import static dev.bellwether.gateway.TestGateway.request;
import static dev.bellwether.gateway.TestGateway.send;
import static dev.bellwether.gateway.TestGateway.token;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What clients, browsers and strangers send to the edge of a gateway. */
class EdgeIT {
    private static final String UP = "{\"kind\":\"thumb\",\"value\":\"up\"}";
    private static final String SHOP = "https://shop.example";

    @TempDir
    private static Path directory = Path.of("");

    private static TestGateway gateway;

    @BeforeAll
    static void start() throws IOException {
        gateway = new TestGateway(directory.resolve("data"), """
                bots:
                  edge:
                    champion: default
                    chat: {completion_tokens_max: 8, origins: ["https://shop.example"]}
                  narrow:
                    champion: default
                    chat: {completion_tokens_max: 2, requests_per_minute: 3}
                """, TestGateway.Settings.DEFAULT).start();
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    private static HttpResponse<String> post(byte[] body, String... headers) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(gateway.open("/v1/chat/completions"))
                .header("authorization", "Bearer " + gateway.key())
                .POST(HttpRequest.BodyPublishers.ofByteArray(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private static byte[] packed(byte[] plain, boolean gzip) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream out = gzip ? new GZIPOutputStream(bytes) : new DeflaterOutputStream(bytes)) {
            out.write(plain);
        }
        return bytes.toByteArray();
    }

    @ParameterizedTest
    @ValueSource(strings = {"Bearer ", "bearer ", "BEARER ", "bEaReR    "})
    void takesTheSchemeInAnyCase(String scheme) throws IOException, InterruptedException {
        HttpResponse<String> response = send(
                "POST",
                gateway.open("/v1/chat/completions"),
                question("edge", ""),
                null,
                "authorization",
                scheme + gateway.key());
        assertThat(response.statusCode()).isEqualTo(200);
        String token = token(JSON.readTree(response.body()));
        assertThat(send("POST", gateway.open("/v1/feedback"), UP, null, "authorization", scheme + token)
                        .statusCode())
                .isEqualTo(202);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"Basic bWlhOm1pYQ==", "Bearer ", "Bearer", "Bearerx y", "Bearer bw-unknown", "Bearer bwp-edge-0"
            })
    void asksForABearerWhereThereIsNone(String authorization) throws IOException, InterruptedException {
        HttpResponse<String> response = send(
                "POST",
                gateway.open("/v1/chat/completions"),
                question("edge", ""),
                null,
                "authorization",
                authorization);
        assertThat(response.statusCode()).isEqualTo(401);
        assertThat(response.headers().firstValue("www-authenticate"))
                .hasValueSatisfying(value -> assertThat(value).startsWith("Bearer"));
        assertThat(JSON.readTree(response.body()).at("/error/message").asText()).isNotBlank();
    }

    @Test
    void saysWhichCredentialIsWanted() throws IOException, InterruptedException {
        HttpResponse<String> response = gateway.judge(gateway.key(), UP);
        assertThat(response.statusCode()).isEqualTo(403);
        assertThat(response.body()).contains("feedback_token");
    }

    @ParameterizedTest
    @CsvSource({
        "GET,/v1/models/edge,200,",
        "GET,/v1/models/nobody,404,",
        "GET,/v1/models/a%2Fb,404,",
        "POST,/v1/models,405,'GET, HEAD, OPTIONS'",
        "GET,/v1/chat/completions,405,'POST, OPTIONS'",
        "PUT,/v1/chat/completions,405,'POST, OPTIONS'",
        "GET,/v1/feedback,405,'POST, OPTIONS'",
        "POST,/v1/feedback/some-id,405,'DELETE, OPTIONS'",
        "POST,/v1/v1/chat/completions,404,",
        "POST,/chat/completions,404,",
        "POST,/v1/completions,404,",
        "POST,/v1/embeddings,404,",
        "GET,/favicon.ico,404,"
    })
    void answersOtherPathsAndMethodsInJson(String method, String path, int status, String allow)
            throws IOException, InterruptedException {
        HttpResponse<String> response = send(method, gateway.open(path), "", gateway.key());
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        if (status >= 400) {
            assertThat(JSON.readTree(response.body()).at("/error/message").asText())
                    .isNotBlank();
        } else {
            assertThat(JSON.readTree(response.body()).path("id").asText()).isEqualTo("edge");
        }
        assertThat(response.headers().firstValue("allow").orElse(null)).isEqualTo(allow);
    }

    @Test
    void answersTheHeadOfAListing() throws IOException, InterruptedException {
        assertThat(send("HEAD", gateway.open("/v1/models"), "", gateway.key()).statusCode())
                .isEqualTo(200);
    }

    @ParameterizedTest
    @CsvSource({
        "application/json; charset=utf-8,200",
        "APPLICATION/JSON,200",
        "text/json,415",
        "text/plain;charset=UTF-8,415",
        "application/jsonx,415",
        "application/x-www-form-urlencoded,415"
    })
    void wantsJson(String type, int status) throws IOException, InterruptedException {
        byte[] body = question("edge", "").getBytes(StandardCharsets.UTF_8);
        assertThat(post(body, "content-type", type).statusCode()).isEqualTo(status);
    }

    @Test
    void unpacksCompressedBodiesWithinTheLimit() throws IOException, InterruptedException {
        byte[] body = question("edge", "").getBytes(StandardCharsets.UTF_8);
        String json = "application/json";
        assertThat(post(packed(body, true), "content-type", json, "content-encoding", "gzip")
                        .statusCode())
                .isEqualTo(200);
        assertThat(post(packed(body, false), "content-type", json, "content-encoding", "deflate")
                        .statusCode())
                .isEqualTo(200);
        assertThat(post(body, "content-type", json, "content-encoding", "identity")
                        .statusCode())
                .isEqualTo(200);
        HttpResponse<String> plain = post(body, "content-type", json, "content-encoding", "gzip");
        assertThat(plain.statusCode()).isEqualTo(400);
        assertThat(plain.body()).contains("gzip");
        HttpResponse<String> unknown = post(body, "content-type", json, "content-encoding", "zstd");
        assertThat(unknown.statusCode()).isEqualTo(415);
        assertThat(unknown.headers().firstValue("accept-encoding")).hasValue("gzip, deflate, identity");
        byte[] bomb = packed(" ".repeat(30_000_000).getBytes(StandardCharsets.UTF_8), true);
        assertThat(post(bomb, "content-type", json, "content-encoding", "gzip").statusCode())
                .isEqualTo(413);
    }

    @Test
    void refusesWhatIsTooLongBeforeItIsLaidOut() throws IOException, InterruptedException {
        String nested = "<|end".repeat(40_000) + "|>".repeat(40_000);
        String body = "{\"model\":\"edge\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}".formatted(nested);
        HttpResponse<String> response = send("POST", gateway.open("/v1/chat/completions"), body, gateway.key());
        assertThat(response.statusCode()).isEqualTo(422);
        assertThat(response.body()).contains("context_length_exceeded").contains("at least");
        String large = body.replace(nested, "x".repeat(1_100_000));
        assertThat(send("POST", gateway.open("/v1/chat/completions"), large, gateway.key())
                        .statusCode())
                .isEqualTo(413);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",\"stream\":true"})
    void replacesHalfACharacterAtTheDoor(String stream) throws IOException, InterruptedException {
        String body = ("{\"model\":\"edge\",\"user\":\"a\\ud83d\",\"metadata\":{\"k\":\"\\ud83d v\"},"
                        + "\"messages\":[{\"role\":\"user\",\"content\":\"Hello \\ud83d\\ud83d\\ude42 \\ude42?\"}]%s}")
                .formatted(stream);
        HttpResponse<String> response = send("POST", gateway.open("/v1/chat/completions"), body, gateway.key());
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        JsonNode reply = stream.isEmpty()
                ? JSON.readTree(response.body())
                : events(response.body()).getLast();
        assertThat(recorded(reply).prompt().getLast().content()).isEqualTo("Hello \uFFFD\uD83D\uDE42 \uFFFD?");
        assertThat(recorded(reply).attributes()).containsEntry("k", "\uFFFD v");
        assertThat(gateway.judge(token(reply), "{\"kind\":\"edit\",\"text\":\"Good \\udc00 day\"}")
                        .statusCode())
                .isEqualTo(202);
    }

    @Test
    void keepsNothingOfAChatThatIsNotToBeStored() throws IOException, InterruptedException {
        JsonNode reply = gateway.chat("edge", ",\"store\":false");
        assertThat(reply.at("/bellwether/interaction_id").asText()).isNotEmpty();
        assertThat(reply.at("/bellwether").has("feedback_token")).isFalse();
    }

    @Test
    void letsAllowedPagesOfOtherOriginsCall() throws IOException, InterruptedException {
        URI feedback = gateway.open("/v1/feedback");
        // The JDK's client withholds a header `access-control-…` only of its own; origin must be allowed at its start.
        HttpResponse<String> preflight =
                send("OPTIONS", feedback, "", null, "origin", SHOP, "access-control-request-method", "POST");
        assertThat(preflight.statusCode()).isEqualTo(204);
        assertThat(preflight.headers().firstValue("access-control-allow-origin"))
                .hasValue(SHOP);
        assertThat(preflight.headers().firstValue("access-control-allow-methods"))
                .hasValue("POST, OPTIONS");
        assertThat(preflight.headers().firstValue("access-control-allow-headers"))
                .hasValueSatisfying(headers -> assertThat(headers).contains("authorization", "idempotency-key"));
        HttpResponse<String> refused = send("POST", feedback, UP, "forged", "origin", SHOP);
        assertThat(refused.statusCode()).isEqualTo(403);
        assertThat(refused.headers().firstValue("access-control-allow-origin")).hasValue(SHOP);
        HttpResponse<String> stranger = send("OPTIONS", feedback, "", null, "origin", "https://evil.example");
        assertThat(stranger.headers().firstValue("access-control-allow-origin")).isEmpty();
        HttpResponse<String> other = send(
                "POST", gateway.open("/v1/chat/completions"), question("narrow", ""), gateway.key(), "origin", SHOP);
        assertThat(other.headers().firstValue("access-control-allow-origin"))
                .as("a bot that allows no page")
                .isEmpty();
    }

    @Test
    void countsEachBotsRequestsForItself() throws IOException, InterruptedException {
        await(() -> gateway.ask("narrow", "").statusCode() == 429);
        HttpResponse<String> limited = gateway.ask("narrow", "");
        assertThat(limited.headers().firstValue("retry-after")).isPresent();
        assertThat(gateway.ask("edge", "").statusCode()).isEqualTo(200);
    }

    @Test
    void ofTwoBodiesUnderOneKeyTakesOne() throws IOException, InterruptedException {
        String token = token(gateway.chat("edge", ""));
        String down = UP.replace("up", "down");
        List<CompletableFuture<HttpResponse<String>>> calls = List.of(UP, down, UP, down).stream()
                .map(body -> HTTP.sendAsync(
                        request("POST", gateway.open("/v1/feedback"), body, token, "idempotency-key", "one"),
                        HttpResponse.BodyHandlers.ofString()))
                .toList();
        List<Integer> statuses =
                calls.stream().map(call -> call.join().statusCode()).toList();
        assertThat(statuses).containsExactlyInAnyOrder(202, 202, 409, 409);
        assertThat(calls.stream()
                        .map(CompletableFuture::join)
                        .filter(answer -> answer.statusCode() == 202)
                        .map(HttpResponse::body)
                        .distinct())
                .as("a repeat is the same judgement")
                .hasSize(1);
    }

    @Test
    void forgetsAChatWhoseReaderLeft() throws Exception {
        for (int i = 0; i < 5; i++) {
            HttpResponse<InputStream> response = HTTP.send(
                    request(
                            "POST",
                            gateway.open("/v1/chat/completions"),
                            question("edge", ",\"stream\":true"),
                            gateway.key()),
                    HttpResponse.BodyHandlers.ofInputStream());
            response.body().close();
        }
        await(() ->
                send("GET", gateway.operator("/metrics"), "", null).body().contains("bellwether_http_in_flight 1.0"));
    }

    @Test
    void returnsTheCallersRequestId() throws IOException, InterruptedException {
        HttpResponse<String> response = gateway.ask("edge", "", "x-request-id", "trace-7");
        assertThat(response.headers().firstValue("x-request-id")).hasValue("trace-7");
        HttpResponse<String> odd = gateway.ask("edge", "", "x-request-id", "a b");
        assertThat(odd.headers().firstValue("x-request-id"))
                .hasValueSatisfying(id -> assertThat(id).doesNotContain(" "));
    }
}
