package dev.bellwether.gateway.limits;

import io.vertx.core.Future;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.Request;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts calls by minute in Redis, for all gateways together; while Redis is away each gateway counts for itself, so
 * limits stay but are no longer shared.
 */
public final class RateLimiter {
    private static final long WINDOW_MILLIS = 60_000;
    private static final int LOCAL_KEYS_MAX = 100_000;

    private final Redis redis;
    private final Clock clock;
    private final Duration timeout;
    private final Map<String, AtomicLong> local = new ConcurrentHashMap<>();
    private volatile long localWindow;

    public RateLimiter(Redis redis, Clock clock, Duration timeout) {
        this.redis = redis;
        this.clock = clock;
        this.timeout = timeout;
    }

    /** Whether a call is within its limit, and if not, when to try again. */
    public record Decision(boolean allowed, Duration retryAfter) {}

    /** Counts one call of {@code caller}. */
    public Future<Decision> count(String caller, int perMinute) {
        long now = clock.millis();
        long window = now / WINDOW_MILLIS;
        Duration left = Duration.ofMillis((window + 1) * WINDOW_MILLIS - now);
        String key = "limit:%s:%d".formatted(caller, window);
        return redis.batch(List.of(
                        Request.cmd(Command.INCR).arg(key),
                        Request.cmd(Command.PEXPIRE).arg(key).arg(2 * WINDOW_MILLIS)))
                .timeout(timeout.toMillis(), TimeUnit.MILLISECONDS)
                .map(replies -> replies.getFirst().toLong())
                .otherwise(failure -> countLocally(caller, window))
                .map(count -> new Decision(count <= perMinute, left));
    }

    private long countLocally(String caller, long window) {
        if (window != localWindow || local.size() > LOCAL_KEYS_MAX) {
            localWindow = window;
            local.clear();
        }
        return local.computeIfAbsent(caller, _ -> new AtomicLong()).incrementAndGet();
    }
}
