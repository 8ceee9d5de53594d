package dev.bellwether.gateway.serving;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * What vLLM's server publishes of its API, as far as versions are served by it: models, adapters at run time, completions with
 * the prompt's log-probabilities, chat with tokens. Without a model; what it finds likely is set.
 */
final class VllmStandIn implements AutoCloseable {
    static final String BASE = "smol";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpServer server;
    private final ExecutorService executor = Executors.newCachedThreadPool();
    private final Map<String, String> adapters = new ConcurrentHashMap<>();
    private final List<String> everLoaded = new CopyOnWriteArrayList<>();
    private final List<String> everUnloaded = new CopyOnWriteArrayList<>();
    private final List<JsonNode> chats = new CopyOnWriteArrayList<>();
    private volatile List<Double> likely = List.of();
    private volatile boolean answersLoads = true;
    private volatile CountDownLatch hold = new CountDownLatch(0);

    VllmStandIn() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(executor);
        server.createContext("/", this::handle);
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** Of the last tokens of every prompt. */
    void finds(Double... logProbabilities) {
        likely = List.of(logProbabilities);
    }

    /** Forgets all adapters, as a new process does. */
    void restart() {
        adapters.clear();
    }

    /** Ends the connection instead of saying that an adapter is loaded. */
    void losesAnswersToLoads() {
        answersLoads = false;
    }

    /** Chats are answered when the latch is down. */
    CountDownLatch holdChats() {
        hold = new CountDownLatch(1);
        return hold;
    }

    Map<String, String> adapters() {
        return Map.copyOf(adapters);
    }

    List<String> everLoaded() {
        return everLoaded;
    }

    List<String> everUnloaded() {
        return everUnloaded;
    }

    List<JsonNode> chats() {
        return chats;
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] bytes = exchange.getRequestBody().readAllBytes();
            JsonNode body = bytes.length == 0 ? JSON.createObjectNode() : JSON.readTree(bytes);
            switch (exchange.getRequestURI().getPath()) {
                case "/v1/models" -> models(exchange);
                case "/v1/load_lora_adapter" -> load(exchange, body);
                case "/v1/unload_lora_adapter" -> unload(exchange, body);
                case "/v1/completions" -> complete(exchange, body);
                case "/v1/chat/completions" -> chat(exchange, body);
                default -> answer(exchange, 404, "{\"detail\":\"Not Found\"}");
            }
        }
    }

    private void models(HttpExchange exchange) throws IOException {
        ObjectNode list = JSON.createObjectNode().put("object", "list");
        ArrayNode data = list.putArray("data");
        data.addObject().put("id", BASE).put("object", "model").put("owned_by", "vllm");
        adapters.forEach((name, path) -> data.addObject()
                .put("id", name)
                .put("object", "model")
                .put("root", path)
                .put("parent", BASE));
        answer(exchange, 200, list.toString());
    }

    private void load(HttpExchange exchange, JsonNode body) throws IOException {
        String name = body.path("lora_name").asText();
        String path = body.path("lora_path").asText();
        if (name.isEmpty() || path.isEmpty()) {
            error(exchange, 400, "InvalidUserInput", "Both 'lora_name' and 'lora_path' must be provided.");
        } else if (adapters.containsKey(name)) {
            error(exchange, 400, "InvalidUserInput", "The lora adapter '%s' has already been loaded.".formatted(name));
        } else if (!Files.exists(Path.of(path, "adapter_config.json"))) {
            error(exchange, 404, "NotFoundError", "No adapter found for " + path);
        } else {
            adapters.put(name, path);
            everLoaded.add(name);
            if (!answersLoads) {
                return;
            }
            answer(exchange, 200, "Success: LoRA adapter '%s' added successfully.".formatted(name));
        }
    }

    private void unload(HttpExchange exchange, JsonNode body) throws IOException {
        String name = body.path("lora_name").asText();
        if (adapters.remove(name) == null) {
            error(exchange, 404, "NotFoundError", "The lora adapter '%s' cannot be found.".formatted(name));
        } else {
            everUnloaded.add(name);
            answer(exchange, 200, "Success: LoRA adapter '%s' removed successfully.".formatted(name));
        }
    }

    private boolean serves(JsonNode body) {
        String model = body.path("model").asText();
        return model.equals(BASE) || adapters.containsKey(model);
    }

    private static void unknown(HttpExchange exchange, JsonNode body) throws IOException {
        error(
                exchange,
                404,
                "NotFoundError",
                "The model `%s` does not exist.".formatted(body.path("model").asText()));
    }

    private void complete(HttpExchange exchange, JsonNode body) throws IOException {
        if (!serves(body)) {
            unknown(exchange, body);
            return;
        }
        ObjectNode answer = JSON.createObjectNode().put("object", "text_completion");
        ObjectNode choice =
                answer.putArray("choices").addObject().put("index", 0).put("text", "x");
        ArrayNode found = choice.putArray("prompt_logprobs").addNull();
        JsonNode prompt = body.path("prompt");
        for (int i = 1; i < prompt.size(); i++) {
            int fromEnd = likely.size() - (prompt.size() - i);
            found.addObject()
                    .putObject(prompt.get(i).asText())
                    .put("logprob", fromEnd < 0 ? -9 : likely.get(fromEnd))
                    .put("rank", 1)
                    .put("decoded_token", "x");
        }
        answer(exchange, 200, answer.toString());
    }

    private void chat(HttpExchange exchange, JsonNode body) throws IOException {
        chats.add(body);
        try {
            hold.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!serves(body)) {
            unknown(exchange, body);
        } else if (body.path("stream").asBoolean()) {
            exchange.getResponseHeaders().set("content-type", "text/event-stream");
            exchange.sendResponseHeaders(200, 0);
            String events = event("{\"role\":\"assistant\",\"content\":\"\"}", "null", "")
                    + event("{\"content\":\"On\"}", "null", tokens(body, 11, -.25))
                    + event("{\"content\":\" it.\"}", "null", tokens(body, 12, -.5))
                    + event("{\"content\":\"\"}", "\"stop\"", tokens(body, 1, -.75))
                    + "data: [DONE]\n\n";
            exchange.getResponseBody().write(events.getBytes(StandardCharsets.UTF_8));
        } else {
            answer(exchange, 200, """
                    {"id":"chatcmpl-1","object":"chat.completion","model":"%s","prompt_token_ids":[4],"choices":[{"index":0,\
                    "message":{"role":"assistant","content":"On it."},"finish_reason":"stop"%s}],\
                    "usage":{"prompt_tokens":1,"completion_tokens":2}}""".formatted(body.path("model").asText(), tokens(body, 11, -.25)));
        }
    }

    private static String tokens(JsonNode body, int id, double logProbability) {
        return !body.path("return_token_ids").asBoolean()
                ? ""
                : ",\"token_ids\":[%d],\"logprobs\":{\"content\":[{\"token\":\"x\",\"logprob\":%s,\"bytes\":[120],\"top_logprobs\":[]}]}"
                        .formatted(id, logProbability);
    }

    private static String event(String delta, String finish, String more) {
        return "data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":%s,\"finish_reason\":%s%s}]}\n\n"
                .formatted(delta, finish, more);
    }

    private static void error(HttpExchange exchange, int status, String type, String message) throws IOException {
        ObjectNode body = JSON.createObjectNode();
        body.putObject("error")
                .put("message", message)
                .put("type", type)
                .putNull("param")
                .put("code", status);
        answer(exchange, status, body.toString());
    }

    private static void answer(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        if (body.startsWith("{")) {
            exchange.getResponseHeaders().set("content-type", "application/json");
        }
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    @Override
    public void close() {
        server.stop(0);
        executor.shutdownNow();
    }
}
