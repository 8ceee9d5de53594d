package dev.bellwether.gateway.limits;

import dev.bellwether.gateway.http.EventLoop;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.vertx.core.Future;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Remembers answers for a day, so that a repeated request is answered as it was. While Redis is away nothing is
 * replayed, and after some calls nobody waits for it; the stream collapses repeats by their id all the same.
 */
public final class IdempotencyStore {
    private static final Logger LOG = LoggerFactory.getLogger(IdempotencyStore.class);
    private static final Duration KEPT = Duration.ofHours(24);
    private static final String SEPARATOR = "\n";
    private static final String CLAIMED = "";

    private final Redis redis;
    private final Duration timeout;
    private final CircuitBreaker breaker = Breakers.of("redis");

    public IdempotencyStore(Redis redis, Duration timeout) {
        this.redis = redis;
        this.timeout = timeout;
    }

    /**
     * What is known of a key.
     *
     * @param bodyHash of the body that came with it first
     * @param answer what was answered; none while that is being worked on
     */
    public record Known(String bodyHash, Optional<String> answer) {}

    /** Claims a key for a body; what is known of it if it was claimed before, so that of two at once one is first. */
    public Future<Optional<Known>> claim(String key, String bodyHash) {
        Future<Optional<Known>> known = send(Request.cmd(Command.SET)
                        .arg("idempotency:" + key)
                        .arg(bodyHash + SEPARATOR + CLAIMED)
                        .arg("NX")
                        .arg("EX")
                        .arg(KEPT.toSeconds()))
                .compose(claimed -> claimed != null
                        ? Future.succeededFuture(Optional.<Known>empty())
                        : send(Request.cmd(Command.GET).arg("idempotency:" + key))
                                .map(before -> Optional.ofNullable(before).flatMap(value -> parse(value.toString()))));
        return EventLoop.here(known.otherwise(failure -> Optional.empty()));
    }

    private static Optional<Known> parse(String value) {
        String[] parts = value.split(SEPARATOR, 2);
        return parts.length == 2
                ? Optional.of(new Known(parts[0], parts[1].equals(CLAIMED) ? Optional.empty() : Optional.of(parts[1])))
                : Optional.empty();
    }

    public Future<Void> remember(String key, String bodyHash, String answer) {
        return EventLoop.here(send(Request.cmd(Command.SET)
                        .arg("idempotency:" + key)
                        .arg(bodyHash + SEPARATOR + answer)
                        .arg("EX")
                        .arg(KEPT.toSeconds()))
                .<Void>mapEmpty()
                .otherwise(failure -> {
                    LOG.debug("an answer was not remembered: {}", failure.getMessage());
                    return null;
                }));
    }

    private Future<@Nullable Response> send(Request command) {
        if (!breaker.tryAcquirePermission()) {
            return Future.failedFuture("Redis is away");
        }
        long startNanos = System.nanoTime();
        return redis.send(command)
                .timeout(timeout.toMillis(), TimeUnit.MILLISECONDS)
                .onSuccess(_ -> breaker.onSuccess(System.nanoTime() - startNanos, TimeUnit.NANOSECONDS))
                .onFailure(failure -> breaker.onError(System.nanoTime() - startNanos, TimeUnit.NANOSECONDS, failure));
    }
}
