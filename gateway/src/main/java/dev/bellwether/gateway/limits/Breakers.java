package dev.bellwether.gateway.limits;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowType;
import java.time.Duration;

/** Circuit breakers for the servers behind the gateway, with windows small enough to act. */
public final class Breakers {
    private static final int CALLS = 20;
    private static final Duration OPEN = Duration.ofSeconds(5);
    private static final Duration HALF_OPEN_MAX = Duration.ofSeconds(10);

    private Breakers() {}

    /** Opens when half of the last 20 calls failed, for five seconds; then five calls try. */
    public static CircuitBreaker of(String server) {
        return CircuitBreaker.of(
                server,
                CircuitBreakerConfig.custom()
                        .slidingWindowType(SlidingWindowType.COUNT_BASED)
                        .slidingWindowSize(CALLS)
                        .minimumNumberOfCalls(CALLS / 2)
                        .failureRateThreshold(50)
                        .waitDurationInOpenState(OPEN)
                        .permittedNumberOfCallsInHalfOpenState(CALLS / 4)
                        .maxWaitDurationInHalfOpenState(HALF_OPEN_MAX)
                        .build());
    }
}
