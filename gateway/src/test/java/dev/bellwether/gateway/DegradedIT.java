package dev.bellwether.gateway;

import static dev.bellwether.gateway.TestGateway.JSON;
import static dev.bellwether.gateway.TestGateway.send;
import static dev.bellwether.gateway.TestGateway.token;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.bellwether.gateway.limits.RateLimiter;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A gateway whose surroundings are not all there. */
class DegradedIT {
    @TempDir
    private Path directory = Path.of("");

    @Test
    void startsAndChatsWhileKafkasNameDoesNotResolve() throws IOException, InterruptedException {
        TestGateway.Settings nowhere =
                new TestGateway.Settings(List.of(), _ -> null, "no-such-broker.invalid:9092", 4L << 30);
        try (TestGateway gateway =
                new TestGateway(directory.resolve("data"), "bots: {lonely: {champion: default}}\n", nowhere).start()) {
            assertThat(send("GET", gateway.operator("/readyz"), "", null).body())
                    .contains("degraded");
            JsonNode reply = gateway.chat("lonely", "");
            assertThat(reply.at("/choices/0/message/content").asText()).isNotBlank();
            assertThat(token(reply)).as("nothing is durable").isEmpty();
            String body = send(
                            "POST",
                            gateway.operator("/operator/v1/bots/lonely/refresh"),
                            "",
                            gateway.folder().operatorKey())
                    .body();
            assertThat(JSON.readTree(body).path("code").asText()).isEqualTo("not_durable");
        }
    }

    @Test
    void sharesALimitWithOtherGatewaysAndGoesOnWithoutThem() {
        Vertx vertx = Vertx.vertx();
        // A minute that does not end while the test runs.
        Clock clock = Clock.fixed(Instant.now(), ZoneOffset.UTC);
        Duration timeout = Duration.ofMillis(100);
        try {
            Redis redis = Redis.createClient(vertx, new RedisOptions().setConnectionString(Backing.redis()));
            String caller = "shared-" + clock.millis();
            RateLimiter one = new RateLimiter(redis, clock, timeout).share(vertx);
            RateLimiter two = new RateLimiter(redis, clock, timeout).share(vertx);
            for (int i = 0; i < 5; i++) {
                assertThat(one.count(caller, 10).allowed()).isTrue();
            }
            assertThat(one.count(caller, 5).allowed()).isFalse();
            // The other one has counted one itself, and learns of six more.
            assertThat(two.count(caller, 100).allowed()).isTrue();
            TestGateway.await(() -> !two.count(caller, 8).allowed());
            Redis away = Redis.createClient(vertx, new RedisOptions().setConnectionString("redis://127.0.0.1:1"));
            RateLimiter alone = new RateLimiter(away, clock, timeout).share(vertx);
            for (int i = 0; i < 5; i++) {
                assertThat(alone.count(caller, 5).allowed()).isTrue();
            }
            assertThat(alone.count(caller, 5).allowed()).isFalse();
        } finally {
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
    }
}
