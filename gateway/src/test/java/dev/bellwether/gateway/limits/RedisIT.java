package dev.bellwether.gateway.limits;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.gateway.limits.IdempotencyStore.Known;
import dev.bellwether.standalone.BreakableProxy;
import dev.bellwether.standalone.LocalRedis;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisOptions;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real Redis in every bad state: nobody waits for it for long, and nothing depends on it. */
class RedisIT {
    private static final Duration TIME_LIMIT = Duration.ofMillis(100);
    private static final Duration SLOW = Duration.ofSeconds(3);

    @TempDir
    private static Path directory = Path.of("");

    @SuppressWarnings("NullAway.Init")
    private static LocalRedis server;

    @SuppressWarnings("NullAway.Init")
    private static Vertx vertx;

    /** Not through the proxy. */
    @SuppressWarnings("NullAway.Init")
    private static Redis direct;

    @BeforeAll
    static void start() {
        server = LocalRedis.start(directory);
        vertx = Vertx.vertx();
        direct = Redis.createClient(vertx, server.url());
    }

    @AfterAll
    static void stop() throws Exception {
        await(vertx.close());
        server.close();
    }

    private static <T> T await(Future<T> future) throws Exception {
        return future.toCompletionStage().toCompletableFuture().get(30, TimeUnit.SECONDS);
    }

    private static @Nullable Response command(Command command, Object... arguments) throws Exception {
        Request request = Request.cmd(command);
        Stream.of(arguments).forEach(each -> request.arg(each.toString()));
        return await(direct.send(request));
    }

    private static Redis through(int port, int connectionsMax, int waitingMax) {
        return Redis.createClient(
                vertx,
                new RedisOptions()
                        .setConnectionString("redis://127.0.0.1:" + port)
                        .setMaxPoolSize(connectionsMax)
                        .setMaxPoolWaiting(waitingMax));
    }

    private static IdempotencyStore store() {
        return new IdempotencyStore(through(server.port(), 4, 100), TIME_LIMIT);
    }

    private static String newKey() {
        return UUID.randomUUID().toString();
    }

    @Test
    void remembersAnAnswer() throws Exception {
        IdempotencyStore store = store();
        String key = newKey();
        assertThat(await(store.claim(key, "body"))).isEmpty();
        assertThat(await(store.claim(key, "body"))).contains(new Known("body", Optional.empty()));
        await(store.remember(key, "body", "id"));
        assertThat(await(store.claim(key, "body"))).contains(new Known("body", Optional.of("id")));
    }

    @Test
    void waitsForASlowRedisNoLongerThanItsTimeAndSoonNotAtAll() throws Exception {
        try (BreakableProxy proxy = BreakableProxy.start(server.port())) {
            IdempotencyStore store = new IdempotencyStore(through(proxy.port(), 4, 100), TIME_LIMIT);
            String key = newKey();
            await(store.remember(key, "body", "id"));
            proxy.delay(SLOW);
            long start = System.nanoTime();
            for (int i = 0; i < 200; i++) {
                assertThat(await(store.claim(key, "body"))).isEmpty();
            }
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .as("200 calls, of which some waited 100 ms before nobody asked any more")
                    .isLessThan(TIME_LIMIT.multipliedBy(200).dividedBy(2));
        }
    }

    @Test
    void failsFastWhereEveryConnectionIsTakenByACallWithoutAnAnswer() throws Exception {
        try (BreakableProxy proxy = BreakableProxy.start(server.port())) {
            IdempotencyStore store = new IdempotencyStore(through(proxy.port(), 1, 1), TIME_LIMIT);
            await(store.remember(newKey(), "body", "id"));
            proxy.blackHole();
            long start = System.nanoTime();
            List<Future<Optional<Known>>> calls = Stream.generate(() -> store.claim(newKey(), "body"))
                    .limit(50)
                    .toList();
            for (Future<Optional<Known>> call : calls) {
                assertThat(await(call)).isEmpty();
            }
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(SLOW);
        }
    }

    @Test
    void goesOnWithoutARedisThatTakesNoWrites() throws Exception {
        IdempotencyStore store = store();
        String key = newKey();
        command(Command.REPLICAOF, "127.0.0.1", "1");
        try {
            assertThat(await(store.claim(key, "body"))).isEmpty();
            await(store.remember(key, "body", "id"));
        } finally {
            command(Command.REPLICAOF, "NO", "ONE");
        }
        await(store.remember(key, "body", "id"));
        assertThat(await(store.claim(key, "body"))).contains(new Known("body", Optional.of("id")));
    }

    @Test
    void goesOnWithoutARedisThatIsOutOfMemory() throws Exception {
        IdempotencyStore store = store();
        String key = newKey();
        command(Command.CONFIG, "SET", "maxmemory", "1");
        try {
            assertThat(await(store.claim(key, "body"))).isEmpty();
            await(store.remember(key, "body", "id"));
        } finally {
            command(Command.CONFIG, "SET", "maxmemory", "0");
        }
        assertThat(await(store.claim(key, "body"))).isEmpty();
    }

    @Test
    void beginsAnewWithAFlushedRedis() throws Exception {
        IdempotencyStore store = store();
        String key = newKey();
        await(store.remember(key, "body", "id"));
        command(Command.FLUSHALL);
        assertThat(await(store.claim(key, "body"))).isEmpty();
        await(store.remember(key, "body", "id"));
        assertThat(await(store.claim(key, "body"))).contains(new Known("body", Optional.of("id")));
    }

    @Test
    void putsARightValueInThePlaceOfACorruptOne() throws Exception {
        IdempotencyStore store = store();
        for (boolean text : new boolean[] {true, false}) {
            String key = newKey();
            command(text ? Command.SET : Command.RPUSH, "idempotency:" + key, "garbage");
            assertThat(await(store.claim(key, "body"))).isEmpty();
            await(store.remember(key, "body", "id"));
            assertThat(await(store.claim(key, "body"))).contains(new Known("body", Optional.of("id")));
        }
    }
}
