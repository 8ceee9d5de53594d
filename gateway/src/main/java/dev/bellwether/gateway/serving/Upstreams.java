package dev.bellwether.gateway.serving;

import dev.bellwether.gateway.bots.VllmConfig;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.checkpoint.UpstreamConfig;
import io.github.resilience4j.bulkhead.BulkheadConfig;
import io.github.resilience4j.bulkhead.BulkheadRegistry;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import io.github.resilience4j.micrometer.tagged.TaggedBulkheadMetrics;
import io.github.resilience4j.micrometer.tagged.TaggedCircuitBreakerMetrics;
import io.github.resilience4j.ratelimiter.RateLimiter;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientAgent;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.PoolOptions;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What all upstreams share: connections, keys, and the breakers and bounds around each. */
public final class Upstreams implements AutoCloseable {
    private static final int CONNECTIONS_MAX = 1_024;

    /** How long a service that keeps failing is left alone. */
    static final Duration OPEN = Duration.ofSeconds(5);

    private static final CircuitBreakerConfig BREAKER = CircuitBreakerConfig.custom()
            .slidingWindowType(CircuitBreakerConfig.SlidingWindowType.COUNT_BASED)
            .slidingWindowSize(20)
            .minimumNumberOfCalls(10)
            .failureRateThreshold(50)
            .waitDurationInOpenState(OPEN)
            .permittedNumberOfCallsInHalfOpenState(3)
            .build();

    private final Vertx vertx;
    private final HttpClientAgent client;
    private final Function<UpstreamConfig.Key, Supplier<@Nullable String>> keys;
    private final boolean privateAddresses;
    private final CircuitBreakerRegistry breakers = CircuitBreakerRegistry.of(BREAKER);
    private final BulkheadRegistry bulkheads = BulkheadRegistry.ofDefaults();

    /**
     * @param keys finds a key where its description says
     * @param privateAddresses whether upstreams of this gateway may be in private networks, if they ask for it
     */
    public Upstreams(
            Vertx vertx,
            MeterRegistry meters,
            Function<UpstreamConfig.Key, Supplier<@Nullable String>> keys,
            boolean privateAddresses) {
        this.vertx = vertx;
        this.keys = keys;
        this.privateAddresses = privateAddresses;
        this.client = vertx.httpClientBuilder()
                .with(new HttpClientOptions()
                        .setKeepAlive(true)
                        .setTcpNoDelay(true)
                        .setVerifyHost(true))
                .with(new PoolOptions().setHttp1MaxSize(CONNECTIONS_MAX).setMaxWaitQueueSize(CONNECTIONS_MAX))
                .build();
        TaggedCircuitBreakerMetrics.ofCircuitBreakerRegistry(breakers).bindTo(meters);
        TaggedBulkheadMetrics.ofBulkheadRegistry(bulkheads).bindTo(meters);
    }

    /** An upstream of this version; asks it nothing yet. */
    UpstreamPolicy policy(String bot, String version, UpstreamConfig config) {
        return policy(bot, version, config, config.privateAddresses() && privateAddresses);
    }

    /** A version with weights, loaded into a vLLM server; that the operator named it is enough for it to be anywhere. */
    VllmPolicy vllm(PolicyStore store, String bot, String version, VllmConfig config, boolean recordTokens) {
        UpstreamConfig.Key key = config.key();
        VllmServer server = new VllmServer(config, key == null ? () -> null : keys.apply(key));
        return VllmPolicy.load(
                store, bot, version, server, recordTokens, name -> policy(bot, version, config.upstream(name), true));
    }

    private UpstreamPolicy policy(String bot, String version, UpstreamConfig config, boolean privateAllowed) {
        String name = bot + "/" + version;
        breakers.remove(name);
        bulkheads.remove(name);
        Optional<RateLimiter> limiter = Optional.ofNullable(config.limits().perSecond())
                .map(perSecond -> RateLimiter.of(
                        name,
                        RateLimiterConfig.custom()
                                .limitForPeriod(perSecond)
                                .limitRefreshPeriod(Duration.ofSeconds(1))
                                .timeoutDuration(Duration.ZERO)
                                .build()));
        return new UpstreamPolicy(
                version,
                config,
                new UpstreamAddress(config.url(), privateAllowed),
                config.key() == null ? () -> null : keys.apply(config.key()),
                new UpstreamPolicy.Guards(
                        breakers.circuitBreaker(name),
                        bulkheads.bulkhead(
                                name,
                                BulkheadConfig.custom()
                                        .maxConcurrentCalls(config.limits().concurrent())
                                        .maxWaitDuration(Duration.ZERO)
                                        .build()),
                        limiter,
                        new RetryBudget()),
                vertx,
                client);
    }

    @Override
    public void close() {
        client.close();
    }
}
