package dev.bellwether.trainer.external;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The reward model for a command that trains: {@code POST /reward} with {@code {"query", "prompts", "labels"}} gives
 * {@code {"rewards"}}, as OpenRLHF's remote reward models do.
 *
 * <p>A label is the number of a prompt in {@code prompts.jsonl}; a query is a reply, or a prompt and a reply, where
 * {@code prompts} says what stands before the reply. The same request gives the same rewards. It listens on the loopback
 * address unless the settings say otherwise, and asks for a token, in the address or as a bearer.
 *
 * @see <a href="https://openrlhf.readthedocs.io/en/latest/remote_rm.html">OpenRLHF: remote reward models</a>
 */
final class RewardEndpoint implements AutoCloseable {
    private static final int BODY_BYTES_MAX = 16 << 20;
    private static final int QUERIES_MAX = 4_096;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final ExternalConfig config;
    private final HttpServer server;
    private final ExecutorService executor = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().name("reward").daemon().factory());
    private final Scorer scorer;
    private final String token;

    /** Scores replies, {@code ended} or cut off, to prompts by their numbers. */
    interface Scorer {
        /** Refuses a number that no prompt has by IllegalArgumentException. */
        List<Double> score(List<Query> queries);
    }

    /** A reply to a prompt. */
    record Query(int prompt, String reply) {}

    RewardEndpoint(ExternalConfig config, Scorer scorer) throws IOException {
        this.config = config;
        this.scorer = scorer;
        byte[] random = new byte[16];
        new SecureRandom().nextBytes(random);
        this.token = HexFormat.of().formatHex(random);
        this.server = HttpServer.create(config.rewardAddress(), 0);
        server.setExecutor(executor);
        server.createContext("/reward", this::handle);
        server.start();
    }

    /** With the token in it. */
    String url() {
        String url = config.rewardUrl();
        String where = url == null
                ? "http://%s:%d/reward"
                        .formatted(
                                config.rewardAddress().getHostString(),
                                server.getAddress().getPort())
                : url;
        return where + "?token=" + token;
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            if (!allowed(exchange)) {
                answer(exchange, 401, error("the token is missing or wrong; take BELLWETHER_REWARD_URL as it is"));
            } else if (!exchange.getRequestMethod().equals("POST")) {
                exchange.getResponseHeaders().set("allow", "POST");
                answer(exchange, 405, error("only POST is answered"));
            } else {
                byte[] body = exchange.getRequestBody().readNBytes(BODY_BYTES_MAX + 1);
                if (body.length > BODY_BYTES_MAX) {
                    answer(exchange, 413, error("a body has at most %d bytes".formatted(BODY_BYTES_MAX)));
                } else {
                    score(exchange, body);
                }
            }
        }
    }

    private void score(HttpExchange exchange, byte[] body) throws IOException {
        try {
            ObjectNode answer = JSON.createObjectNode();
            scorer.score(queries(JSON.readTree(body))).forEach(answer.putArray("rewards")::add);
            answer(exchange, 200, answer);
        } catch (JsonProcessingException e) {
            answer(exchange, 400, error("the body is no JSON: " + e.getOriginalMessage()));
        } catch (IllegalArgumentException e) {
            answer(exchange, 422, error(String.valueOf(e.getMessage())));
        }
    }

    private static List<Query> queries(JsonNode body) {
        JsonNode texts = body.path("query");
        JsonNode labels = body.path("labels");
        JsonNode before = body.path("prompts");
        if (!texts.isArray() || !labels.isArray() || labels.size() != texts.size()) {
            throw new IllegalArgumentException("query and labels are lists of as many texts and prompts' numbers");
        }
        if (texts.size() > QUERIES_MAX) {
            throw new IllegalArgumentException(
                    "at most %d queries at once, not %d".formatted(QUERIES_MAX, texts.size()));
        }
        List<Query> queries = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            if (!texts.get(i).isTextual() || !labels.get(i).asText().matches("\\d{1,9}")) {
                throw new IllegalArgumentException("query %d is no text, or its label '%s' no prompt's number"
                        .formatted(i, labels.get(i).asText()));
            }
            String text = texts.get(i).textValue();
            String prefix = before.path(i).asText("");
            queries.add(new Query(
                    Integer.parseInt(labels.get(i).asText()),
                    text.startsWith(prefix) ? text.substring(prefix.length()) : text));
        }
        return queries;
    }

    private boolean allowed(HttpExchange exchange) {
        String query = String.valueOf(exchange.getRequestURI().getQuery());
        String bearer = String.valueOf(exchange.getRequestHeaders().getFirst("authorization"));
        return Arrays.stream(query.split("&")).anyMatch(part -> same(part, "token=" + token))
                || same(bearer, "Bearer " + token);
    }

    private static boolean same(String given, String wanted) {
        return MessageDigest.isEqual(given.getBytes(StandardCharsets.UTF_8), wanted.getBytes(StandardCharsets.UTF_8));
    }

    private static ObjectNode error(String message) {
        return JSON.createObjectNode().put("error", message);
    }

    private static void answer(HttpExchange exchange, int status, ObjectNode json) throws IOException {
        byte[] body = JSON.writeValueAsBytes(json);
        exchange.getResponseHeaders().set("content-type", "application/json");
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
    }

    /** Returns when nothing is scored any more: what it is scored with may be freed then. */
    @Override
    public void close() {
        server.stop(0);
        executor.close();
    }
}
