package dev.bellwether.gateway.serving;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.gateway.bots.VllmConfig;
import dev.bellwether.gateway.http.Json;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.policy.checkpoint.UpstreamConfig;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a vLLM server is asked beside replies: which models it has, to load and unload an adapter, and how likely it finds
 * tokens. Its calls block.
 *
 * @see <a href="https://docs.vllm.ai/en/stable/features/lora.html">vLLM: LoRA adapters</a>
 */
final class VllmServer {
    private static final Duration CONNECT = Duration.ofSeconds(5);

    /** To read an adapter from a disk. */
    private static final Duration LIMIT = Duration.ofMinutes(2);

    private final VllmConfig config;
    private final Supplier<@Nullable String> secret;
    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT)
            .build();

    VllmServer(VllmConfig config, Supplier<@Nullable String> secret) {
        this.config = config;
        this.secret = secret;
    }

    VllmConfig config() {
        return config;
    }

    /** Names of the base and of the adapters that are loaded. */
    Set<String> models() {
        Set<String> names = new HashSet<>();
        json(call("GET", "/v1/models", null))
                .path("data")
                .forEach(each -> names.add(each.path("id").asText()));
        return names;
    }

    /**
     * Loads the adapter of a version under a name.
     *
     * @param here the version's folder as this gateway sees it
     */
    void load(String name, String bot, String version, Path here) {
        String folder = config.store()
                .map(store -> "%s/%s/%s".formatted(store.replaceAll("/$", ""), bot, version))
                .orElse(here.toAbsolutePath().toString());
        call(
                "POST",
                "/v1/load_lora_adapter",
                Json.object().put("lora_name", name).put("lora_path", folder));
    }

    void unload(String name) {
        call("POST", "/v1/unload_lora_adapter", Json.object().put("lora_name", name));
    }

    /** Of the reply's tokens, at temperature 1. */
    float[] logProbabilities(String model, int[] prompt, int... reply) {
        ObjectNode request = Json.object()
                .put("model", model)
                .put("max_tokens", 1)
                .put("temperature", 0)
                .put("prompt_logprobs", 0);
        ArrayNode tokens = request.putArray("prompt");
        for (int token : prompt) {
            tokens.add(token);
        }
        for (int token : reply) {
            tokens.add(token);
        }
        JsonNode found = json(call("POST", "/v1/completions", request))
                .path("choices")
                .path(0)
                .path("prompt_logprobs");
        float[] logProbabilities = new float[reply.length];
        for (int t = 0; t < reply.length; t++) {
            JsonNode one = found.path(prompt.length + t)
                    .path(Integer.toString(reply[t]))
                    .path("logprob");
            if (!one.isNumber()) {
                throw refused("it gives no log-probability of token %d of a prompt".formatted(prompt.length + t));
            }
            logProbabilities[t] = (float) one.asDouble();
        }
        return logProbabilities;
    }

    private String call(String method, String path, @Nullable ObjectNode body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(config.url() + path))
                .timeout(LIMIT)
                .header("content-type", "application/json")
                .method(
                        method,
                        body == null
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(body.toString()));
        UpstreamConfig.Key key = config.key();
        String known = secret.get();
        if (key != null && known != null) {
            request.header(
                    key.header() == null ? "authorization" : key.header(),
                    key.header() == null ? "Bearer " + known : known);
        }
        try {
            HttpResponse<String> response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
            if (response.statusCode() != 200) {
                throw refused("%s answers %d: %s".formatted(path, response.statusCode(), message(response.body())));
            }
            return response.body();
        } catch (IOException e) {
            throw new UnsupportedCheckpointException(
                    "the vLLM server at %s cannot be reached: %s".formatted(config.url(), e.getMessage()), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnsupportedCheckpointException("interrupted while the vLLM server was asked", e);
        }
    }

    UnsupportedCheckpointException refused(String what) {
        return new UnsupportedCheckpointException("the vLLM server at %s: %s".formatted(config.url(), what));
    }

    /** In an {@code error}, as newer servers say it, or beside it, as older ones do. */
    private static String message(String body) {
        try {
            JsonNode json = Json.parseLeniently(body);
            JsonNode error = json.path("error").isObject() ? json.path("error") : json;
            return error.path("message").asText(error.path("detail").asText(body));
        } catch (JsonProcessingException e) {
            return body;
        }
    }

    private JsonNode json(String body) {
        try {
            return Json.parseLeniently(body);
        } catch (JsonProcessingException e) {
            throw refused("it answers what is no JSON");
        }
    }
}
