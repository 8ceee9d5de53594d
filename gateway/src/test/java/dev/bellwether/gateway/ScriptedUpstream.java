package dev.bellwether.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** An OpenAI-compatible service that behaves as the name of the model says, well or badly. */
final class ScriptedUpstream implements AutoCloseable {
    static final String TEXT = "It is on its way.";
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String CALL =
            "{\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"balance\",\"arguments\":\"{\\\"of\\\":1}\"}}";

    private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
    private final HttpServer server;
    private final AtomicInteger connections = new AtomicInteger();
    private final Map<String, AtomicInteger> calls = new ConcurrentHashMap<>();
    private final List<JsonNode> bodies = new CopyOnWriteArrayList<>();
    private final List<String> authorizations = new CopyOnWriteArrayList<>();
    private volatile boolean healed;
    private final AtomicInteger abandoned = new AtomicInteger();
    private volatile String away = "http://127.0.0.1:1/v1";

    /** Before a model's name: of three calls the third goes as that model's, the others well. */
    static final String THIRD = "third-";

    ScriptedUpstream() {
        server = vertx.createHttpServer()
                .connectionHandler(connection -> {
                    connections.incrementAndGet();
                    connection.closeHandler(_ -> connections.decrementAndGet());
                })
                .requestHandler(request -> request.body().onSuccess(body -> answer(request, body)))
                .listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .join();
    }

    /** {@code upstream.json} of a model here. */
    String version(String model, String more) {
        return "{\"url\":\"http://127.0.0.1:%d/v1\",\"model\":\"%s\",\"private_addresses\":true%s}"
                .formatted(server.actualPort(), model, more);
    }

    int calls(String model) {
        return calls.computeIfAbsent(model, _ -> new AtomicInteger()).get();
    }

    int connections() {
        return connections.get();
    }

    int abandoned() {
        return abandoned.get();
    }

    JsonNode lastBody() {
        return bodies.getLast();
    }

    String lastAuthorization() {
        return authorizations.getLast();
    }

    /** From now on {@code sick} is well. */
    void heal() {
        healed = true;
    }

    /** Where {@code redirect-away} leads. */
    void leadAwayTo(ScriptedUpstream other) {
        away = "http://127.0.0.1:%d/v1".formatted(other.server.actualPort());
    }

    private void answer(HttpServerRequest request, Buffer bytes) {
        JsonNode body;
        try {
            body = JSON.readTree(bytes.getBytes());
        } catch (IOException e) {
            request.response().setStatusCode(400).end("no JSON");
            return;
        }
        if (bodies.size() > 100) {
            bodies.clear();
            authorizations.clear();
        }
        bodies.add(body);
        authorizations.add(String.valueOf(request.getHeader("authorization")));
        String model = request.path().startsWith("/v1/moved/")
                ? "good"
                : body.path("model").asText();
        int call = calls.computeIfAbsent(model, _ -> new AtomicInteger()).incrementAndGet();
        HttpServerResponse response = request.response();
        response.exceptionHandler(_ -> abandoned.incrementAndGet());
        String behaviour = !model.startsWith(THIRD) ? model : call % 3 == 0 ? model.substring(THIRD.length()) : "good";
        answer(behaviour, request, body, call);
    }

    private void answer(String model, HttpServerRequest request, JsonNode body, int call) {
        HttpServerResponse response = request.response();
        switch (model) {
            case "stall", "hold" -> {}
            case "slow-stream" -> opened(response).write(chunk("{\"role\":\"assistant\",\"content\":\"It\"}", "null"));
            case "role-then-die" -> {
                opened(response).write(chunk("{\"role\":\"assistant\",\"content\":\"\"}", "null"));
                vertx.setTimer(20, _ -> request.connection().close());
            }
            case "die" -> request.connection().close();
            case "die-in-mid-stream" -> {
                opened(response).write(chunk("{\"role\":\"assistant\",\"content\":\"It is\"}", "null"));
                vertx.setTimer(20, _ -> request.connection().close());
            }
            case "done-left-open" -> words(response).write(chunk("{}", "\"stop\"") + "data: [DONE]\n\n");
            case "finish-left-open" -> words(response).write(chunk("{}", "\"stop\""));
            case "finish-without-done" -> words(response).end(chunk("{}", "\"stop\""));
            case "gone" -> error(response, 404, "the model does not exist");
            case "garbage" ->
                response.putHeader("content-type", "application/json").end("<html>Welcome</html>");
            case "garbage-stream" -> opened(response).end("data: {\"choices\": [oh\n\n");
            case "empty" ->
                response.putHeader("content-type", "application/json").end("{\"choices\":[]}");
            case "endless" -> endless(response);
            case "busy" -> error(response.putHeader("retry-after", "7"), 429, "rate limit reached");
            case "broken" -> error(response, 500, "the service is down");
            case "flaky" -> {
                if (call % 2 == 1) {
                    error(response, 503, "not now");
                } else {
                    good(response, body);
                }
            }
            case "sick" -> {
                if (healed) {
                    good(response, body);
                } else {
                    error(response, 500, "sick");
                }
            }
            case "strict" -> error(response, 400, "temperature must be 1 for this model");
            case "picky" -> picky(response, body);
            case "leaky-long" -> error(response, 500, "x".repeat(985) + " " + request.getHeader("authorization"));
            case "leaky" -> error(response, 500, "bad key " + request.getHeader("authorization"));
            case "locked" -> error(response, 401, "Incorrect API key provided: " + request.getHeader("authorization"));
            case "redirect" ->
                response.setStatusCode(307)
                        .putHeader("location", "/v1/elsewhere?model=good")
                        .end();
            case "redirect-once" ->
                response.setStatusCode(307)
                        .putHeader("location", "/v1/moved/chat/completions?by=redirect")
                        .end();
            case "redirect-away" ->
                response.setStatusCode(308)
                        .putHeader("location", away + "/chat/completions")
                        .end();
            case "other" -> said(response, body.path("n").asInt(1), "It has arrived.");
            case "tools" -> tools(response, body);
            case "tools-at-once" -> called(response);
            case "structured" ->
                whole(
                        response,
                        "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"{\\\"place\\\":\\\"Berlin\\\"}\"},"
                                + "\"finish_reason\":\"stop\"}",
                        usage(1));
            default -> good(response, body);
        }
    }

    private static HttpServerResponse opened(HttpServerResponse response) {
        return response.setChunked(true).putHeader("content-type", "text/event-stream");
    }

    private void endless(HttpServerResponse response) {
        opened(response);
        String piece = chunk("{\"content\":\"%s\"}".formatted("x".repeat(60_000)), "null");
        vertx.setPeriodic(1, timer -> {
            if (response.closed() || response.ended()) {
                vertx.cancelTimer(timer);
            } else if (!response.writeQueueFull()) {
                response.write(piece);
            }
        });
    }

    private static String chunk(String delta, String finish) {
        return ("data: {\"id\":\"up-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"good-2026\","
                        + "\"system_fingerprint\":\"fp\",\"choices\":[{\"index\":0,\"delta\":%s,\"finish_reason\":%s}]}\n\n")
                .formatted(delta, finish);
    }

    private static void error(HttpServerResponse response, int status, String message) {
        response.setStatusCode(status)
                .putHeader("content-type", "application/json")
                .end(JSON.createObjectNode()
                        .set(
                                "error",
                                JSON.createObjectNode().put("message", message).put("code", "scripted"))
                        .toString());
    }

    private static void good(HttpServerResponse response, JsonNode body) {
        if (body.path("stream").asBoolean()) {
            words(response).write(chunk("{}", "\"stop\""));
            if (body.path("stream_options").path("include_usage").asBoolean()) {
                response.write("data: {\"id\":\"up-1\",\"model\":\"good-2026\",\"choices\":[],\"usage\":" + usage(1)
                        + "}\n\n");
            }
            response.end("data: [DONE]\n\n");
            return;
        }
        said(response, body.path("n").asInt(1), TEXT);
    }

    private static void said(HttpServerResponse response, int n, String text) {
        StringBuilder choices = new StringBuilder();
        for (int i = 0; i < n; i++) {
            choices.append(i == 0 ? "" : ",")
                    .append("{\"index\":%d,\"message\":{\"role\":\"assistant\",\"content\":\"%s\",\"refusal\":null},"
                            .formatted(i, i == 0 ? text : text + " (" + i + ")"))
                    .append("\"logprobs\":null,\"finish_reason\":\"stop\"}");
        }
        whole(response, choices.toString(), usage(n));
    }

    private static HttpServerResponse words(HttpServerResponse response) {
        opened(response).write(chunk("{\"role\":\"assistant\",\"content\":\"\"}", "null"));
        for (String word : TEXT.split("(?<= )", -1)) {
            response.write(chunk("{\"content\":\"%s\"}".formatted(word), "null"));
        }
        return response;
    }

    private static String usage(int n) {
        return "{\"prompt_tokens\":100,\"completion_tokens\":%d,\"total_tokens\":%d}".formatted(5 * n, 100 + 5 * n);
    }

    private static void whole(HttpServerResponse response, String choices, String usage) {
        response.putHeader("content-type", "application/json")
                .end(("{\"id\":\"up-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"good-2026\","
                                + "\"system_fingerprint\":\"fp\",\"choices\":[%s],\"usage\":%s}")
                        .formatted(choices, usage));
    }

    /** Takes the temperature 1 alone, and says which field it refuses. */
    private static void picky(HttpServerResponse response, JsonNode body) {
        if (body.path("temperature").asDouble(1) == 1) {
            good(response, body);
            return;
        }
        response.setStatusCode(400)
                .putHeader("content-type", "application/json")
                .end(
                        "{\"error\":{\"message\":\"it must be 1\",\"param\":\"temperature\",\"code\":\"unsupported_value\"}}");
    }

    private static void called(HttpServerResponse response) {
        whole(
                response,
                ("{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[%s]},"
                                + "\"finish_reason\":\"tool_calls\"}")
                        .formatted(CALL),
                usage(1));
    }

    /** Calls a tool; in a stream piece by piece. */
    private static void tools(HttpServerResponse response, JsonNode body) {
        if (!body.path("stream").asBoolean()) {
            called(response);
            return;
        }
        opened(response)
                .write(chunk(
                        "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":"
                                + "\"function\",\"function\":{\"name\":\"balance\",\"arguments\":\"\"}}]}",
                        "null"));
        for (String piece : List.of("{\\\"of\\\"", ":1}")) {
            response.write(chunk(
                    "{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"%s\"}}]}".formatted(piece), "null"));
        }
        response.write(chunk("{}", "\"tool_calls\""));
        response.end("data: [DONE]\n\n");
    }

    @Override
    public void close() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
