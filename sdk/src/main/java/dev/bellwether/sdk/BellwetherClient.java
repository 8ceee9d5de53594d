package dev.bellwether.sdk;

import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse.BodySubscribers;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A client of one Bellwether gateway; safe for use by many threads.
 *
 * <pre>{@code
 * BellwetherClient client = BellwetherClient.fromEnv();
 * ChatResponse response = client.chat(ChatRequest.of("support", "Where is my card?"));
 * System.out.println(response.text());
 * response.feedbackToken().ifPresent(token -> client.submit(token, Feedback.Thumb.up()));
 * }</pre>
 */
public final class BellwetherClient {
    private final HttpClient http;
    private final Options options;

    private BellwetherClient(Options options) {
        this.options = options;
        boolean encrypted = "https".equals(options.baseUrl().getScheme());
        this.http = HttpClient.newBuilder()
                .version(encrypted ? HttpClient.Version.HTTP_2 : HttpClient.Version.HTTP_1_1)
                .connectTimeout(options.connectTimeout())
                .build();
    }

    private record Options(
            URI baseUrl,
            String apiKey,
            Duration timeout,
            Duration connectTimeout,
            boolean keyBesideFeedback,
            Retries retries,
            Clock clock) {}

    public static Builder builder() {
        return new Builder();
    }

    /**
     * A client for {@code BELLWETHER_URL} with {@code BELLWETHER_API_KEY}.
     *
     * @throws IllegalStateException naming the variable that is not set
     */
    public static BellwetherClient fromEnv() {
        return builder()
                .baseUrl(required("BELLWETHER_URL"))
                .apiKey(required("BELLWETHER_API_KEY"))
                .build();
    }

    private static String required(String variable) {
        String value = System.getenv(variable);
        if (value == null || value.isBlank()) {
            throw new IllegalStateException("Set the environment variable %s.".formatted(variable));
        }
        return value;
    }

    /** The names of the bots that the API key may use. */
    public List<String> bots() {
        return await(botsAsync());
    }

    public CompletableFuture<List<String>> botsAsync() {
        HttpRequest call = to("/v1/models")
                .header("authorization", "Bearer " + options.apiKey())
                .build();
        return options.retries().run(() -> send(call)).thenApply(response -> {
            List<String> bots = new ArrayList<>();
            Wire.read(response.body())
                    .path("data")
                    .forEach(bot -> bots.add(bot.path("id").asText()));
            return bots;
        });
    }

    /** Asks, and waits for the whole reply. */
    public ChatResponse chat(ChatRequest request) {
        return await(chatAsync(request));
    }

    public CompletableFuture<ChatResponse> chatAsync(ChatRequest request) {
        HttpRequest call = post("/v1/chat/completions", request.json(false))
                .header("authorization", "Bearer " + options.apiKey())
                .build();
        return options.retries()
                .run(() -> send(call))
                .thenApply(response -> ChatResponse.of(Wire.read(response.body())));
    }

    /**
     * Asks, tells {@code listener} of the reply while it is generated, and returns the whole.
     *
     * @throws StreamInterruptedException when the reply broke off; what the listener heard is not said again
     */
    public ChatResponse stream(ChatRequest request, ChatListener listener) {
        return await(streamAsync(request, listener));
    }

    /** As {@link #stream}; the listener is called on the client's own threads. */
    public CompletableFuture<ChatResponse> streamAsync(ChatRequest request, ChatListener listener) {
        HttpRequest call = post("/v1/chat/completions", request.json(true))
                .header("authorization", "Bearer " + options.apiKey())
                .header("accept", "text/event-stream")
                .build();
        return options.retries().run(() -> sendForStream(call, listener));
    }

    /** Hands in a judgement; returns once it is stored for good. */
    public FeedbackReceipt submit(String feedbackToken, Feedback feedback) {
        return await(submitAsync(feedbackToken, feedback));
    }

    public CompletableFuture<FeedbackReceipt> submitAsync(String feedbackToken, Feedback feedback) {
        return submitAsync(feedbackToken, feedback, UUID.randomUUID().toString());
    }

    /**
     * As {@link #submitAsync(String, Feedback)} with a key of one's own.
     *
     * @param idempotencyKey the same for every attempt at the same judgement, also by another process; however often it
     *     is handed in, it counts once
     */
    public CompletableFuture<FeedbackReceipt> submitAsync(
            String feedbackToken, Feedback feedback, String idempotencyKey) {
        HttpRequest call = judging(post("/v1/feedback", feedback), feedbackToken)
                .header("idempotency-key", idempotencyKey)
                .build();
        return options.retries().run(() -> send(call)).thenApply(BellwetherClient::receipt);
    }

    private static FeedbackReceipt receipt(HttpResponse<String> response) {
        return new FeedbackReceipt(
                Wire.read(response.body()).path("feedback_id").asText(),
                response.headers().firstValue("idempotent-replayed").orElse("").equals("true"));
    }

    /** Takes a judgement back. */
    public void withdraw(String feedbackToken, String feedbackId) {
        await(withdrawAsync(feedbackToken, feedbackId).thenApply(unused -> feedbackId));
    }

    public CompletableFuture<Void> withdrawAsync(String feedbackToken, String feedbackId) {
        String id = segment(feedbackId);
        HttpRequest call =
                judging(to("/v1/feedback/" + id).DELETE(), feedbackToken).build();
        return options.retries().run(() -> send(call)).thenAccept(response -> {});
    }

    /** Has everything forgotten that the key's bots know of a user, up to now. */
    public Erasure forget(String user) {
        return await(forgetAsync(user));
    }

    public CompletableFuture<Erasure> forgetAsync(String user) {
        HttpRequest call = to("/v1/users/" + segment(user))
                .DELETE()
                .header("authorization", "Bearer " + options.apiKey())
                .build();
        return options.retries().run(() -> send(call)).thenApply(response -> Erasure.of(Wire.read(response.body())));
    }

    /** As one part of a path. */
    private static String segment(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private HttpRequest.Builder judging(HttpRequest.Builder call, String feedbackToken) {
        call.header("authorization", "Bearer " + feedbackToken);
        return options.keyBesideFeedback() ? call.header("x-bellwether-key", options.apiKey()) : call;
    }

    private HttpRequest.Builder post(String path, Object body) {
        return to(path).header("content-type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(Wire.write(body)));
    }

    private HttpRequest.Builder to(String path) {
        String base = options.baseUrl().toString().replaceAll("/+$", "");
        return HttpRequest.newBuilder(URI.create(base + path)).timeout(options.timeout());
    }

    private CompletableFuture<HttpResponse<String>> send(HttpRequest call) {
        CompletableFuture<HttpResponse<String>> exchange = http.sendAsync(call, BodyHandlers.ofString());
        CompletableFuture<HttpResponse<String>> answer = bounded(exchange.copy(), exchange)
                .thenCompose(response -> response.statusCode() / 100 == 2
                        ? CompletableFuture.completedFuture(response)
                        : CompletableFuture.failedFuture(Wire.failure(response, options.clock())));
        return Call.of(answer, exchange);
    }

    private CompletableFuture<ChatResponse> sendForStream(HttpRequest call, ChatListener listener) {
        ChatStream stream = new ChatStream(listener);
        BodyHandler<String> body = head -> head.statusCode() == 200
                ? BodySubscribers.fromLineSubscriber(stream, finished -> "", StandardCharsets.UTF_8, null)
                : BodySubscribers.ofString(StandardCharsets.UTF_8);
        CompletableFuture<HttpResponse<String>> exchange = http.sendAsync(call, body);
        CompletableFuture<?> unused = exchange.whenComplete((response, thrown) -> {
            if (thrown != null) {
                stream.fail(Wire.failure(thrown));
            } else if (response.statusCode() != 200) {
                stream.fail(Wire.failure(response, options.clock()));
            }
        });
        CompletableFuture<Void> late = new CompletableFuture<Void>()
                .completeOnTimeout(null, options.timeout().toMillis(), TimeUnit.MILLISECONDS);
        CompletableFuture<Void> ended = late.thenRun(() -> {
            stream.fail(Wire.failure(new HttpTimeoutException("The reply took longer than %d ms."
                    .formatted(options.timeout().toMillis()))));
            exchange.cancel(true);
        });
        CompletableFuture<ChatResponse> answer = stream.result().whenComplete((response, thrown) -> {
            ended.cancel(false);
            late.cancel(false);
            if (thrown != null) {
                exchange.cancel(true);
            }
        });
        return Call.of(answer, exchange);
    }

    /** Ends the exchange when it failed or took too long; the request's own timeout ends with the head. */
    private <T> CompletableFuture<T> bounded(CompletableFuture<T> result, CompletableFuture<?> exchange) {
        return result.orTimeout(options.timeout().toMillis(), TimeUnit.MILLISECONDS)
                .whenComplete((value, thrown) -> {
                    if (thrown != null) {
                        exchange.cancel(true);
                    }
                });
    }

    /** Attempts and the waits between them are bounded, and so is this wait. */
    private static <T> T await(CompletableFuture<T> future) {
        try {
            return future.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            future.cancel(true);
            throw new BellwetherException(
                    BellwetherException.Failure.local("interrupted", "Interrupted while waiting for the service.", e));
        } catch (ExecutionException e) {
            throw Wire.failure(e.getCause() == null ? e : e.getCause());
        }
    }

    /** Settings of a client; only the address and the key must be given. */
    public static final class Builder {
        private @Nullable URI baseUrl;
        private @Nullable String apiKey;
        private Duration timeout = Duration.ofSeconds(90);
        private Duration connectTimeout = Duration.ofSeconds(10);
        private boolean keyBesideFeedback;
        private Retries retries = Retries.DEFAULT;
        private Clock clock = Clock.systemUTC();

        private Builder() {}

        /** The gateway's address, without {@code /v1}. */
        public Builder baseUrl(String url) {
            URI parsed = URI.create(url);
            if (parsed.getHost() == null || !String.valueOf(parsed.getScheme()).matches("https?")) {
                throw new IllegalArgumentException("'%s' is not an http or https address".formatted(url));
            }
            this.baseUrl = parsed;
            return this;
        }

        public Builder apiKey(String key) {
            this.apiKey = key.strip();
            return this;
        }

        /** The longest that one attempt may take, to the end of the reply (90 s). */
        public Builder timeout(Duration limit) {
            this.timeout = limit;
            return this;
        }

        /** The longest that connecting may take (10 s). */
        public Builder connectTimeout(Duration limit) {
            this.connectTimeout = limit;
            return this;
        }

        /** Attempts after the first (4). */
        public Builder retriesMax(int most) {
            this.retries = new Retries(
                    most,
                    retries.first(),
                    retries.longest(),
                    retries.retryAfterMax(),
                    retries.uniform(),
                    retries.pause());
            return this;
        }

        /** The ceiling of the first wait between attempts, which doubles with each, and of all (250 ms, 8 s). */
        public Builder backOff(Duration first, Duration longest) {
            this.retries = new Retries(
                    retries.most(), first, longest, retries.retryAfterMax(), retries.uniform(), retries.pause());
            return this;
        }

        /** Sends the API key beside the feedback token, so that judgements count as an operator's or a reviewer's. */
        public Builder keyBesideFeedback(boolean beside) {
            this.keyBesideFeedback = beside;
            return this;
        }

        Builder retries(Retries given) {
            this.retries = given;
            return this;
        }

        Builder clock(Clock given) {
            this.clock = given;
            return this;
        }

        public BellwetherClient build() {
            if (baseUrl == null || apiKey == null) {
                throw new IllegalStateException("A client needs baseUrl and apiKey.");
            }
            return new BellwetherClient(
                    new Options(baseUrl, apiKey, timeout, connectTimeout, keyBesideFeedback, retries, clock));
        }
    }
}
