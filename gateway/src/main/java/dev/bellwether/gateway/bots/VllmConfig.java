package dev.bellwether.gateway.bots;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.bellwether.policy.checkpoint.UpstreamConfig;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A vLLM server that serves a bot's versions with weights, in place of this gateway: {@code vllm} in the section
 * {@code serving}.
 *
 * @param url without {@code /v1}
 * @param model what the server calls the base model, which it was started with
 * @param key of the server; none for one without
 * @param store the policy store as the server sees it, a folder
 */
public record VllmConfig(
        URI url, String model, UpstreamConfig.@Nullable Key key, Optional<String> store, UpstreamConfig.Limits limits) {

    public VllmConfig {
        if (url.getHost() == null || !String.valueOf(url.getScheme()).matches("https?")) {
            throw new IllegalArgumentException(
                    "serving: vllm: url '%s' is not an http or https address".formatted(url));
        }
        if (url.getPath().matches(".*/v1/?")) {
            throw new IllegalArgumentException("serving: vllm: url is the server's own, without /v1");
        }
        if (model.isBlank()) {
            throw new IllegalArgumentException("serving: vllm: model is empty");
        }
        url = URI.create(url.toString().replaceAll("/+$", ""));
    }

    @JsonCreator
    static VllmConfig of(
            @JsonProperty(value = "url", required = true) URI url,
            @JsonProperty(value = "model", required = true) String model,
            @JsonProperty("key") UpstreamConfig.@Nullable Key key,
            @JsonProperty("store") @Nullable String store,
            @JsonProperty("limits") UpstreamConfig.@Nullable Limits limits) {
        return new VllmConfig(
                url,
                model,
                key,
                Optional.ofNullable(store),
                Optional.ofNullable(limits).orElse(UpstreamConfig.Limits.DEFAULT));
    }

    /** The server as a service that answers by {@code name}. */
    public UpstreamConfig upstream(String name) {
        return new UpstreamConfig(
                URI.create(url + "/v1"),
                name,
                key,
                null,
                false,
                List.of(),
                JsonNodeFactory.instance.objectNode(),
                limits,
                true,
                false,
                true);
    }
}
