package dev.bellwether.gateway.serving;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.gateway.http.Json;
import dev.bellwether.policy.checkpoint.UpstreamConfig;
import dev.bellwether.policy.engine.ModelFootprint;
import io.github.resilience4j.bulkhead.Bulkhead;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.ratelimiter.RateLimiter;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientAgent;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A version that an OpenAI-compatible service answers for. */
public final class UpstreamPolicy implements Policy {
    private static final Set<String> INSTRUCTIONS = Set.of("system", "developer");

    private static final Set<String> WHOLE = Set.of("max_tokens", "max_completion_tokens", "seed", "top_logprobs");

    private final String version;
    private final UpstreamConfig config;
    private final Connection connection;
    private final Guards guards;

    /** What stands between a request and the service. */
    record Guards(CircuitBreaker breaker, Bulkhead bulkhead, Optional<RateLimiter> limiter, RetryBudget budget) {}

    /** How the service is spoken to. */
    record Connection(
            Vertx vertx,
            HttpClientAgent client,
            UpstreamAddress address,
            UpstreamConfig config,
            Supplier<@Nullable String> secret,
            UpstreamErrors errors) {}

    UpstreamPolicy(
            String version,
            UpstreamConfig config,
            UpstreamAddress address,
            Supplier<@Nullable String> secret,
            Guards guards,
            Vertx vertx,
            HttpClientAgent client) {
        this.version = version;
        this.config = config;
        this.guards = guards;
        this.connection = new Connection(vertx, client, address, config, secret, new UpstreamErrors(version, secret));
    }

    @Override
    public ModelFootprint footprint() {
        return ModelFootprint.NONE;
    }

    @Override
    public boolean ready() {
        return true;
    }

    @Override
    public String version() {
        return version;
    }

    @Override
    public Generation reply(Ask ask, ReplyListener listener) {
        UpstreamReply reply = new UpstreamReply(connection, guards, ask, Json.write(request(ask)), listener);
        reply.start();
        return reply;
    }

    /** What the service is sent: the caller's request with this version's model, instructions, examples, sampling. */
    ObjectNode request(Ask ask) {
        ObjectNode request = Json.object();
        request.setAll(config.sampling());
        for (Map.Entry<String, JsonNode> field : ask.body().properties()) {
            JsonNode value = field.getValue();
            // Some services refuse what is empty, and 5.0 where they expect 5.
            if (!value.isNull() && !(value.isContainerNode() && value.isEmpty())) {
                request.set(field.getKey(), WHOLE.contains(field.getKey()) ? whole(value) : value);
            }
        }
        // The two names of one limit: a service refuses both at once.
        if (ask.body().hasNonNull("max_tokens") && !ask.body().hasNonNull("max_completion_tokens")) {
            request.remove("max_completion_tokens");
        } else if (ask.body().hasNonNull("max_completion_tokens") && !ask.body().hasNonNull("max_tokens")) {
            request.remove("max_tokens");
        }
        // What a service is asked to keep it may be told of; otherwise this is between the caller and Bellwether.
        if (!ask.body().path("store").asBoolean(false)) {
            request.remove(List.of("store", "metadata"));
        }
        request.put("model", config.model());
        request.set("messages", messages(ask.body().path("messages")));
        request.remove(List.of("n", "stream", "stream_options"));
        if (ask.choices() > 1) {
            request.put("n", ask.choices());
        }
        if (ask.stream()) {
            request.put("stream", true);
            if (config.streamUsage()) {
                request.putObject("stream_options").put("include_usage", true);
            }
        }
        return request;
    }

    private static JsonNode whole(JsonNode number) {
        boolean whole = number.isNumber() && number.canConvertToExactIntegral() && number.canConvertToLong();
        return whole ? LongNode.valueOf(number.longValue()) : number;
    }

    /** The version's instructions, the caller's (those before the first turn), the examples, the conversation. */
    private ArrayNode messages(JsonNode conversation) {
        ArrayNode messages = Json.object().arrayNode();
        if (config.system() != null) {
            messages.addObject().put("role", "system").put("content", config.system());
        }
        int first = 0;
        while (first < conversation.size() && instructs(conversation.get(first))) {
            if (!config.replaceSystem()) {
                messages.add(conversation.get(first));
            }
            first++;
        }
        config.fewShot()
                .forEach(example ->
                        messages.addObject().put("role", example.role()).put("content", example.content()));
        for (int i = first; i < conversation.size(); i++) {
            messages.add(conversation.get(i));
        }
        return messages;
    }

    private static boolean instructs(JsonNode message) {
        return INSTRUCTIONS.contains(message.path("role").asText());
    }

    @Override
    public Optional<Use> use() {
        return Optional.of(new Use() {
            @Override
            public Policy policy() {
                return UpstreamPolicy.this;
            }

            @Override
            public void close() {}
        });
    }

    /** Nothing is held for one version; replies under way end by themselves. */
    @Override
    public void close() {}
}
