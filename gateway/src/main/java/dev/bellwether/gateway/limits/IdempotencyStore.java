package dev.bellwether.gateway.limits;

import io.vertx.core.Future;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.Request;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Remembers answers for a day, so that a repeated request is answered as it was. While Redis is away nothing is
 * replayed; the stream collapses repeats by their id all the same.
 */
public final class IdempotencyStore {
    private static final Logger LOG = LoggerFactory.getLogger(IdempotencyStore.class);
    private static final Duration KEPT = Duration.ofHours(24);
    private static final String SEPARATOR = "\n";

    private final Redis redis;
    private final Duration timeout;

    public IdempotencyStore(Redis redis, Duration timeout) {
        this.redis = redis;
        this.timeout = timeout;
    }

    /** An earlier answer and the hash of the body it answered. */
    public record Answer(String bodyHash, String body) {}

    public Future<Optional<Answer>> find(String key) {
        return redis.send(Request.cmd(Command.GET).arg("idempotency:" + key))
                .timeout(timeout.toMillis(), TimeUnit.MILLISECONDS)
                .map(reply -> {
                    String[] parts =
                            reply == null ? new String[0] : reply.toString().split(SEPARATOR, 2);
                    return parts.length == 2 ? Optional.of(new Answer(parts[0], parts[1])) : Optional.<Answer>empty();
                })
                .otherwise(failure -> Optional.empty());
    }

    public Future<Void> remember(String key, Answer answer) {
        return redis.send(Request.cmd(Command.SET)
                        .arg("idempotency:" + key)
                        .arg(answer.bodyHash() + SEPARATOR + answer.body())
                        .arg("EX")
                        .arg(KEPT.toSeconds()))
                .timeout(timeout.toMillis(), TimeUnit.MILLISECONDS)
                .<Void>mapEmpty()
                .otherwise(failure -> {
                    LOG.debug("an answer was not remembered: {}", failure.getMessage());
                    return null;
                });
    }
}
