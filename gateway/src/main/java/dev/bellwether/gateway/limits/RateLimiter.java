package dev.bellwether.gateway.limits;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.Request;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts calls by minute. Each gateway counts for itself, at once and without waiting, and tells the others through
 * Redis a few times a second: so a limit is exact with one gateway, a fraction of a second late with several, and goes
 * on, no longer shared, while Redis is away.
 */
public final class RateLimiter {
    private static final long WINDOW_MILLIS = 60_000;
    private static final Duration INTERVAL = Duration.ofMillis(200);

    /** Callers that are remembered at once; of more, those forgotten first that called least. */
    private static final int CALLERS_MAX = 100_000;

    private static final int REPORTED_AT_ONCE = 1_000;

    private final Redis redis;
    private final Clock clock;
    private final Duration timeout;
    private final Cache<String, Count> counts = Caffeine.newBuilder()
            .maximumSize(CALLERS_MAX)
            .expireAfterAccess(Duration.ofMillis(2 * WINDOW_MILLIS))
            .build();

    /** Callers of whom the others do not know all yet; bounded by those that are remembered. */
    private final Set<String> changed = ConcurrentHashMap.newKeySet();

    public RateLimiter(Redis redis, Clock clock, Duration timeout) {
        this.redis = redis;
        this.clock = clock;
        this.timeout = timeout;
    }

    /** Whether a call is within its limit, and if not, when to try again. */
    public record Decision(boolean allowed, Duration retryAfter) {}

    /** One caller's calls in one minute. */
    private static final class Count {
        private final long window;
        private final AtomicLong own = new AtomicLong();
        private volatile long reported;
        private volatile long others;

        private Count(long window) {
            this.window = window;
        }
    }

    /** Tells the other gateways of calls counted here, until the gateway stops. */
    public RateLimiter share(Vertx vertx) {
        vertx.timer(INTERVAL.toMillis(), TimeUnit.MILLISECONDS)
                .compose(_ -> report())
                .onComplete(_ -> share(vertx));
        return this;
    }

    /** Counts one call of {@code caller}. */
    public Decision count(String caller, int perMinute) {
        long now = clock.millis();
        long window = now / WINDOW_MILLIS;
        Count count = counts.asMap()
                .compute(caller, (_, known) -> known == null || known.window != window ? new Count(window) : known);
        long calls = count.own.incrementAndGet() + count.others;
        if (changed.size() < CALLERS_MAX) {
            changed.add(caller);
        }
        return new Decision(calls <= perMinute, Duration.ofMillis((window + 1) * WINDOW_MILLIS - now));
    }

    private Future<Void> report() {
        List<Map.Entry<String, Count>> news = new ArrayList<>();
        for (Iterator<String> callers = changed.iterator(); callers.hasNext() && news.size() < REPORTED_AT_ONCE; ) {
            String caller = callers.next();
            callers.remove();
            Count count = counts.getIfPresent(caller);
            if (count != null && count.own.get() > count.reported) {
                news.add(Map.entry(caller, count));
            }
        }
        return news.isEmpty() ? Future.succeededFuture() : report(news);
    }

    /** What was sent counts as told, whether an answer comes in time or not: better a call too few than one twice. */
    private Future<Void> report(List<Map.Entry<String, Count>> news) {
        List<Request> commands = new ArrayList<>();
        List<Long> told = new ArrayList<>();
        for (Map.Entry<String, Count> entry : news) {
            Count count = entry.getValue();
            long own = count.own.get();
            String key = "limit:%s:%d".formatted(entry.getKey(), count.window);
            commands.add(Request.cmd(Command.INCRBY).arg(key).arg(own - count.reported));
            commands.add(Request.cmd(Command.PEXPIRE).arg(key).arg(2 * WINDOW_MILLIS));
            count.reported = own;
            told.add(own);
        }
        return redis.batch(commands)
                .timeout(timeout.toMillis(), TimeUnit.MILLISECONDS)
                .map(replies -> {
                    for (int i = 0; i < news.size(); i++) {
                        Count count = news.get(i).getValue();
                        count.others = Math.max(0, replies.get(2 * i).toLong() - told.get(i));
                    }
                    return (Void) null;
                })
                .otherwiseEmpty();
    }
}
