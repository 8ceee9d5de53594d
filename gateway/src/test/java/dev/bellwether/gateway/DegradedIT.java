package dev.bellwether.gateway;

import static dev.bellwether.gateway.TestGateway.JSON;
import static dev.bellwether.gateway.TestGateway.send;
import static dev.bellwether.gateway.TestGateway.token;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.RolloutState;
import dev.bellwether.gateway.limits.RateLimiter;
import dev.bellwether.standalone.LocalKafka;
import dev.bellwether.topic.Topics;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisOptions;
import java.io.IOException;
import java.io.OutputStream;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A gateway whose surroundings are not all there. */
class DegradedIT {
    @TempDir
    private Path directory = Path.of("");

    @Test
    void startsAndChatsWhileKafkasNameDoesNotResolve() throws IOException, InterruptedException {
        TestGateway.Settings nowhere = new TestGateway.Settings(
                List.of(), _ -> null, "no-such-broker.invalid:9092", 4L << 30, TestGateway.SPOOL_BYTES);
        try (TestGateway gateway =
                new TestGateway(directory.resolve("data"), "bots: {lonely: {champion: default}}\n", nowhere).start()) {
            assertThat(send("GET", gateway.operator("/readyz"), "", null).body())
                    .contains("degraded");
            JsonNode reply = gateway.chat("lonely", "");
            assertThat(reply.at("/choices/0/message/content").asText()).isNotBlank();
            assertThat(token(reply)).as("the spool has it").isNotEmpty();
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

    /** A broker of its own, which the test stops. */
    private static TestGateway.Settings on(LocalKafka kafka) {
        return new TestGateway.Settings(
                List.of(), _ -> null, kafka.bootstrapServers(), 4L << 30, TestGateway.SPOOL_BYTES);
    }

    private static void signal(LocalKafka kafka, String signal) throws IOException, InterruptedException {
        int status = new ProcessBuilder("kill", "-" + signal, Long.toString(kafka.pid()))
                .start()
                .waitFor();
        assertThat(status).isZero();
    }

    private static String vote(TestGateway gateway, String token) throws IOException, InterruptedException {
        HttpResponse<String> answer =
                send("POST", gateway.open("/v1/feedback"), "{\"kind\":\"thumb\",\"value\":\"up\"}", token);
        assertThat(answer.statusCode()).isEqualTo(202);
        return JSON.readTree(answer.body()).path("feedback_id").asText();
    }

    @Test
    void answersAtOnceWhileKafkaIsStoppedAndLosesNothing() throws IOException, InterruptedException {
        try (LocalKafka kafka = LocalKafka.start(directory.resolve("stopped-kafka"));
                TestGateway gateway = new TestGateway(
                                directory.resolve("stopped"), "bots: {calm: {champion: default}}\n", on(kafka))
                        .start()) {
            Set<String> interactions = new HashSet<>();
            Set<String> votes = new HashSet<>();
            String early = token(gateway.chat("calm", ""));
            signal(kafka, "STOP");
            List<Long> millis = new ArrayList<>();
            try {
                for (int i = 0; i < 16; i++) {
                    long begin = System.nanoTime();
                    JsonNode reply = gateway.chat("calm", "");
                    interactions.add(
                            reply.path("bellwether").path("interaction_id").asText());
                    votes.add(vote(gateway, token(reply)));
                    millis.add((System.nanoTime() - begin) / 1_000_000);
                }
                votes.add(vote(gateway, early));
                assertThat(send("GET", gateway.operator("/readyz"), "", null).body())
                        .containsPattern("\"spooled\":[1-9]");
            } finally {
                signal(kafka, "CONT");
            }
            millis.sort(null);
            assertThat(millis.get(8)).as("milliseconds for a chat and a vote").isLessThan(1_000);
            Awaitility.await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> {
                assertThat(TestGateway.records(Topics.INTERACTIONS, kafka.bootstrapServers()))
                        .extracting(Interaction::interactionId)
                        .containsAll(interactions);
                assertThat(TestGateway.records(Topics.FEEDBACK, kafka.bootstrapServers()))
                        .extracting(Feedback::feedbackId)
                        .containsAll(votes);
                assertThat(send("GET", gateway.operator("/readyz"), "", null).body())
                        .contains("\"spooled\":0");
            });
        }
    }

    @Test
    void refusesVotesThatItCannotKeepWhileTheSpoolIsFullAndChatsOn() throws IOException, InterruptedException {
        try (LocalKafka kafka = LocalKafka.start(directory.resolve("full-kafka"));
                TestGateway gateway = new TestGateway(
                                directory.resolve("full"),
                                "bots: {calm: {champion: default}}\n",
                                new TestGateway.Settings(
                                        List.of(), _ -> null, kafka.bootstrapServers(), 4L << 30, 256 << 10))
                        .start()) {
            String token = token(gateway.chat("calm", ""));
            signal(kafka, "STOP");
            Set<String> accepted = new HashSet<>();
            List<String> codes = new ArrayList<>();
            String alert;
            try {
                HttpResponse<String> answer = edit(gateway, token, 0);
                for (int i = 1; answer.statusCode() == 202 && i < 1_000; i++) {
                    accepted.add(
                            JSON.readTree(answer.body()).path("feedback_id").asText());
                    answer = edit(gateway, token, i);
                }
                assertThat(answer.statusCode()).isEqualTo(503);
                assertThat(answer.headers().firstValue("retry-after")).isPresent();
                assertThat(accepted).hasSizeGreaterThan(5);
                for (int i = 1_000; i < 1_050; i++) {
                    codes.add(JSON.readTree(answer.body()).path("code").asText());
                    answer = edit(gateway, token, i);
                }
                codes.add(JSON.readTree(answer.body()).path("code").asText());
                assertThat(codes).as("what Kafka was given may be there").isSubsetOf("not_stored", "not_durable");
                assertThat(codes).as("what it was not is nowhere").contains("not_stored");
                JsonNode reply = gateway.chat("calm", "");
                assertThat(reply.at("/choices/0/message/content").asText()).isNotBlank();
                assertThat(reply.at("/bellwether/feedback_token").isMissingNode())
                        .as("a reply that is nowhere cannot be judged")
                        .isTrue();
                alert = send("GET", gateway.operator("/metrics"), "", null).body();
            } finally {
                signal(kafka, "CONT");
            }
            assertThat(alert).containsPattern("bellwether_spool_alert 1");
            Awaitility.await()
                    .atMost(Duration.ofSeconds(60))
                    .untilAsserted(() -> assertThat(TestGateway.records(Topics.FEEDBACK, kafka.bootstrapServers()))
                            .extracting(Feedback::feedbackId)
                            .containsAll(accepted));
            assertThat(TestGateway.records(Topics.FEEDBACK, kafka.bootstrapServers()).stream()
                            .map(Feedback::feedbackId)
                            .distinct())
                    .as("what was said not to be stored is not")
                    .hasSizeLessThanOrEqualTo(accepted.size() + Collections.frequency(codes, "not_durable"));
        }
    }

    /** A file system of a few megabytes, in memory; only who may mount one can. */
    private static boolean mount(Path at) throws IOException, InterruptedException {
        Files.createDirectories(at);
        return new ProcessBuilder("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", at.toString())
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor()
                == 0;
    }

    @Test
    void refusesVotesWhileItsDiskIsFullChatsOnAndTakesThemAgainWithRoom() throws IOException, InterruptedException {
        Path disk = directory.resolve("small");
        assumeTrue(mount(disk), "mounting a file system is not allowed here");
        try (LocalKafka kafka = LocalKafka.start(directory.resolve("disk-kafka"))) {
            TestGateway gateway =
                    new TestGateway(directory.resolve("disk"), "bots: {calm: {champion: default}}\n", on(kafka));
            Files.createSymbolicLink(gateway.folder().service("gateway"), disk);
            try (gateway) {
                gateway.start();
                String token = token(gateway.chat("calm", ""));
                vote(gateway, token);
                signal(kafka, "STOP");
                Set<String> accepted = new HashSet<>();
                try {
                    Path filler = disk.resolve("filler");
                    fill(filler);
                    HttpResponse<String> answer = edit(gateway, token, 0);
                    for (int i = 1; answer.statusCode() == 202 && i < 2_000; i++) {
                        accepted.add(
                                JSON.readTree(answer.body()).path("feedback_id").asText());
                        answer = edit(gateway, token, i);
                    }
                    assertThat(answer.statusCode()).isEqualTo(503);
                    assertThat(gateway.chat("calm", "")
                                    .at("/choices/0/message/content")
                                    .asText())
                            .isNotBlank();
                    Files.delete(filler);
                    Awaitility.await()
                            .atMost(Duration.ofSeconds(30))
                            .untilAsserted(() -> accepted.add(
                                    JSON.readTree(edit(gateway, token, 9_999).body())
                                            .required("feedback_id")
                                            .asText()));
                } finally {
                    signal(kafka, "CONT");
                }
                Awaitility.await()
                        .atMost(Duration.ofSeconds(60))
                        .untilAsserted(() -> assertThat(TestGateway.records(Topics.FEEDBACK, kafka.bootstrapServers()))
                                .extracting(Feedback::feedbackId)
                                .containsAll(accepted));
            }
        } finally {
            assertThat(new ProcessBuilder("umount", disk.toString()).start().waitFor())
                    .isZero();
        }
    }

    /** Writes until there is no room. */
    private static void fill(Path file) throws IOException {
        byte[] block = new byte[64 << 10];
        try (OutputStream out = Files.newOutputStream(file)) {
            while (true) {
                out.write(block);
            }
        } catch (IOException full) {
            assertThat(Files.size(file)).isPositive();
        }
    }

    private static HttpResponse<String> edit(TestGateway gateway, String token, int number)
            throws IOException, InterruptedException {
        String text = "%d ".formatted(number) + "word ".repeat(700);
        return send("POST", gateway.open("/v1/feedback"), "{\"kind\":\"edit\",\"text\":\"" + text + "\"}", token);
    }

    @Test
    void startsFromItsOwnDiskWhileKafkaIsAwayAndRefusesNobodyWhenItReturns() throws IOException, InterruptedException {
        try (LocalKafka kafka = LocalKafka.start(directory.resolve("away-kafka"));
                TestGateway gateway =
                        new TestGateway(directory.resolve("away"), "bots: {calm: {champion: default}}\n", on(kafka))) {
            gateway.version("calm", "v2").start();
            announce(kafka, RolloutState.idle("calm", "v2"));
            Awaitility.await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> {
                JsonNode before = gateway.chat("calm", "");
                assertThat(versions(kafka, List.of(before))).containsExactly("v2");
            });
            gateway.stop();
            kafka.kill();
            gateway.start();
            List<JsonNode> replies = Collections.synchronizedList(new ArrayList<>());
            replies.add(gateway.chat("calm", ""));
            vote(gateway, token(replies.getFirst()));
            AtomicBoolean over = new AtomicBoolean();
            List<Throwable> refused = Collections.synchronizedList(new ArrayList<>());
            Thread asking = Thread.ofPlatform().start(() -> ask(gateway, over, replies, refused));
            kafka.restart();
            TestGateway.await(() ->
                    send("GET", gateway.operator("/readyz"), "", null).body().contains("\"kafka\":true"));
            over.set(true);
            asking.join();
            assertThat(refused).isEmpty();
            Awaitility.await()
                    .atMost(Duration.ofSeconds(60))
                    .untilAsserted(() -> assertThat(versions(kafka, replies))
                            .as("the last champion, not the file's first")
                            .hasSameSizeAs(replies)
                            .containsOnly("v2"));
        }
    }

    private static void ask(TestGateway gateway, AtomicBoolean over, List<JsonNode> replies, List<Throwable> refused) {
        while (!over.get()) {
            try {
                replies.add(gateway.chat("calm", ""));
            } catch (IOException | InterruptedException | AssertionError e) {
                refused.add(e);
            }
        }
    }

    /** Of the interactions that Kafka has by now. */
    private static List<String> versions(LocalKafka kafka, List<JsonNode> replies) {
        Set<String> ids = new HashSet<>();
        replies.forEach(
                reply -> ids.add(reply.path("bellwether").path("interaction_id").asText()));
        Map<String, String> versions = new HashMap<>();
        TestGateway.records(Topics.INTERACTIONS, kafka.bootstrapServers()).stream()
                .filter(each -> ids.contains(each.interactionId()))
                .forEach(each -> versions.put(
                        each.interactionId(), each.replies().getFirst().version()));
        return List.copyOf(versions.values());
    }

    private static void announce(LocalKafka kafka, RolloutState state) {
        try (KafkaProducer<String, RolloutState> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", kafka.bootstrapServers()),
                new StringSerializer(),
                Topics.ROLLOUT_STATE.valueSerde().serializer())) {
            var _ = producer.send(new ProducerRecord<>(Topics.ROLLOUT_STATE.name(), state.bot(), state));
        }
    }
}
