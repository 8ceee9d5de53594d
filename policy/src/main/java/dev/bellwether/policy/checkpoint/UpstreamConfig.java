package dev.bellwether.policy.checkpoint;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An OpenAI-compatible service that answers in place of weights: {@code upstream.json} of a version.
 *
 * @param url base address, to which {@code /chat/completions} is added; a query stays behind it
 * @param model what the service calls the model
 * @param key where the service's key is found; none for a service without
 * @param system put before every conversation; none leaves the conversation as it is
 * @param replaceSystem whether it takes the place of the caller's own instructions
 * @param fewShot turns put after the instructions and before the conversation
 * @param sampling fields of the request that are set where the caller sets none
 * @param streamUsage whether the service is asked for token counts in streams
 * @param followRedirects whether redirects within the same origin are followed
 * @param privateAddresses whether the service may be on this machine or in a private network
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record UpstreamConfig(
        URI url,
        String model,
        @Nullable Key key,
        @Nullable String system,
        boolean replaceSystem,
        List<Example> fewShot,
        ObjectNode sampling,
        Limits limits,
        boolean streamUsage,
        boolean followRedirects,
        boolean privateAddresses) {
    public static final String FILE = "upstream.json";

    private static final ObjectMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .build();

    /** Decided by the gateway for each request. */
    private static final Set<String> NOT_SAMPLING =
            Set.of("model", "messages", "stream", "stream_options", "n", "user");

    /**
     * Where a key is found; never the key itself.
     *
     * @param environment name of the gateway's environment variable that holds it
     * @param file that holds it
     * @param header that carries it; {@code Authorization: Bearer} where none is named
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Key(
            @Nullable String environment,
            @Nullable String file,
            @Nullable String header) {
        public Key {
            if ((environment == null) == (file == null)) {
                throw new IllegalArgumentException("key: name either the `environment` variable or the `file`");
            }
            if (header != null && !header.matches("[A-Za-z0-9-]{1,64}")) {
                throw new IllegalArgumentException("key: '%s' is not a header's name".formatted(header));
            }
        }
    }

    /** A turn of an example conversation. */
    public record Example(
            @JsonProperty(required = true) String role,
            @JsonProperty(required = true) String content) {
        public Example {
            if (!Set.of("system", "user", "assistant").contains(role)) {
                throw new IllegalArgumentException("few_shot: the role is system, user or assistant, not " + role);
            }
        }
    }

    /**
     * What the gateway allows the service.
     *
     * @param connect time to connect
     * @param firstToken time to the first token of a stream
     * @param betweenTokens time between two tokens of a stream
     * @param reply time to the whole of a reply that is not streamed
     * @param concurrent requests under way at most
     * @param perSecond requests a second at most; none for no such limit
     * @param retries attempts after the first, all before the first token
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Limits(
            Duration connect,
            Duration firstToken,
            Duration betweenTokens,
            Duration reply,
            int concurrent,
            @Nullable Integer perSecond,
            int retries) {
        public static final Limits DEFAULT = of(null, null, null, null, null, null, null);

        public Limits {
            for (Duration limit : List.of(connect, firstToken, betweenTokens, reply)) {
                if (limit.isNegative() || limit.isZero()) {
                    throw new IllegalArgumentException("limits: a time must be positive, is " + limit);
                }
            }
            if (concurrent < 1 || (perSecond != null && perSecond < 1) || retries < 0 || retries > 10) {
                throw new IllegalArgumentException("limits: concurrent and per_second are at least 1, retries 0 to 10");
            }
        }

        /** ISO 8601 durations; the defaults stand where nothing is given. */
        @JsonCreator
        public static Limits of(
                @JsonProperty("connect") @Nullable String connect,
                @JsonProperty("first_token") @Nullable String firstToken,
                @JsonProperty("between_tokens") @Nullable String betweenTokens,
                @JsonProperty("reply") @Nullable String reply,
                @JsonProperty("concurrent") @Nullable Integer concurrent,
                @JsonProperty("per_second") @Nullable Integer perSecond,
                @JsonProperty("retries") @Nullable Integer retries) {
            return new Limits(
                    duration(connect, "PT2S"),
                    duration(firstToken, "PT15S"),
                    duration(betweenTokens, "PT10S"),
                    duration(reply, "PT30S"),
                    Optional.ofNullable(concurrent).orElse(256),
                    perSecond,
                    Optional.ofNullable(retries).orElse(2));
        }

        private static Duration duration(@Nullable String text, String otherwise) {
            try {
                return Duration.parse(Objects.requireNonNullElse(text, otherwise));
            } catch (DateTimeParseException e) {
                throw new IllegalArgumentException("limits: '%s' is no time such as PT20S".formatted(text), e);
            }
        }
    }

    public UpstreamConfig {
        String scheme = String.valueOf(url.getScheme());
        if (url.getHost() == null || !scheme.matches("https?")) {
            throw new IllegalArgumentException("url: '%s' is not an http or https address".formatted(url));
        }
        if (url.getUserInfo() != null) {
            throw new IllegalArgumentException("url: a name and password do not belong in it; use `key`");
        }
        if (model.isBlank()) {
            throw new IllegalArgumentException("model: is empty");
        }
        sampling.fieldNames().forEachRemaining(field -> {
            if (NOT_SAMPLING.contains(field)) {
                throw new IllegalArgumentException("sampling: '%s' is set for each request".formatted(field));
            }
        });
        fewShot = List.copyOf(fewShot);
    }

    @JsonCreator
    static UpstreamConfig of(
            @JsonProperty(value = "url", required = true) URI url,
            @JsonProperty(value = "model", required = true) String model,
            @JsonProperty("key") @Nullable Key key,
            @JsonProperty("system") @Nullable String system,
            @JsonProperty("replace_system") @Nullable Boolean replaceSystem,
            @JsonProperty("few_shot") @Nullable List<Example> fewShot,
            @JsonProperty("sampling") @Nullable ObjectNode sampling,
            @JsonProperty("limits") @Nullable Limits limits,
            @JsonProperty("stream_usage") @Nullable Boolean streamUsage,
            @JsonProperty("follow_redirects") @Nullable Boolean followRedirects,
            @JsonProperty("private_addresses") @Nullable Boolean privateAddresses) {
        return new UpstreamConfig(
                url,
                model,
                key,
                system,
                Optional.ofNullable(replaceSystem).orElse(false),
                Optional.ofNullable(fewShot).orElse(List.of()),
                Optional.ofNullable(sampling).orElseGet(JsonNodeFactory.instance::objectNode),
                Optional.ofNullable(limits).orElse(Limits.DEFAULT),
                Optional.ofNullable(streamUsage).orElse(true),
                Optional.ofNullable(followRedirects).orElse(false),
                Optional.ofNullable(privateAddresses).orElse(false));
    }

    /** Reads {@code upstream.json} of {@code directory}; refuses by name what it does not know. */
    public static UpstreamConfig read(Path directory) {
        Path file = directory.resolve(FILE);
        try {
            return parse(Files.readString(file));
        } catch (IOException e) {
            throw UnsupportedCheckpointException.unreadable(file, e);
        }
    }

    public static UpstreamConfig parse(String json) throws JsonProcessingException {
        return JSON.readValue(json, UpstreamConfig.class);
    }

    /** Writes {@code upstream.json} into an existing directory. */
    public void write(Path directory) throws IOException {
        ObjectNode json = toJson();
        Files.writeString(directory.resolve(FILE), json.toPrettyString() + "\n");
    }

    /** As in the file; durations in ISO 8601. */
    public ObjectNode toJson() {
        ObjectNode json = JSON.createObjectNode();
        json.put("url", url.toString()).put("model", model);
        if (system != null) {
            json.put("system", system);
        }
        json.put("replace_system", replaceSystem);
        json.set("few_shot", JSON.valueToTree(fewShot));
        json.set("sampling", sampling);
        ObjectNode allowed = json.putObject("limits")
                .put("connect", limits.connect().toString())
                .put("first_token", limits.firstToken().toString())
                .put("between_tokens", limits.betweenTokens().toString())
                .put("reply", limits.reply().toString())
                .put("concurrent", limits.concurrent())
                .put("retries", limits.retries());
        if (limits.perSecond() != null) {
            allowed.put("per_second", limits.perSecond());
        }
        json.put("stream_usage", streamUsage)
                .put("follow_redirects", followRedirects)
                .put("private_addresses", privateAddresses);
        if (key != null) {
            json.set("key", JSON.valueToTree(key));
        }
        return json;
    }
}
