package dev.bellwether.simulation.endtoend;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** An OpenAI-compatible service whose replies are better the kinder its instructions are. */
final class PromptedService implements AutoCloseable {
    static final String KIND = "Be kind.";

    private static final List<String> GOOD = List.of(
            "Happy to help! Please open the app and choose Help; it shows you each step.",
            "Of course. I have looked it up for you, and it will be done within two days.",
            "Thank you for asking. You can do that in the app under Settings, at any time.");
    private static final List<String> POOR =
            List.of("No.", "Read the manual.", "That is not my problem, ask somebody else.");
    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Random random = new Random(11);
    private final AtomicInteger completions = new AtomicInteger();
    private final AtomicInteger held = new AtomicInteger();
    private volatile CountDownLatch gate = new CountDownLatch(0);

    PromptedService() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 64);
        server.createContext("/v1/chat/completions", this::answer);
        server.setExecutor(threads);
        server.start();
    }

    static boolean good(String reply) {
        return GOOD.contains(reply);
    }

    String url() {
        return "http://127.0.0.1:%d/v1".formatted(server.getAddress().getPort());
    }

    /** Replies generated so far. */
    int completions() {
        return completions.get();
    }

    /** Answers nobody until the latch is counted down. */
    CountDownLatch hold() {
        gate = new CountDownLatch(1);
        return gate;
    }

    /** How many wait for that. */
    int held() {
        return held.get();
    }

    private void answer(HttpExchange exchange) throws IOException {
        JsonNode request = JSON.readTree(exchange.getRequestBody());
        held.incrementAndGet();
        try {
            gate.await();
        } catch (InterruptedException e) {
            throw new IOException(e);
        } finally {
            held.decrementAndGet();
        }
        boolean kind = request.at("/messages/0/content").asText().equals(KIND);
        ObjectNode json =
                JSON.createObjectNode().put("object", "chat.completion").put("model", "stand-in");
        ArrayNode choices = json.putArray("choices");
        int n = request.path("n").asInt(1);
        for (int i = 0; i < n; i++) {
            completions.incrementAndGet();
            ObjectNode choice = choices.addObject().put("index", i).put("finish_reason", "stop");
            choice.putObject("message").put("role", "assistant").put("content", reply(kind ? .95 : .4));
        }
        json.putObject("usage").put("prompt_tokens", 20).put("completion_tokens", 15 * n);
        byte[] body = JSON.writeValueAsBytes(json);
        exchange.getResponseHeaders().set("content-type", "application/json");
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private synchronized String reply(double goodShare) {
        List<String> from = random.nextDouble() < goodShare ? GOOD : POOR;
        return from.get(random.nextInt(from.size()));
    }

    @Override
    public void close() {
        server.stop(0);
        threads.close();
    }
}
