package dev.bellwether.simulation.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.standalone.ChildProcess;
import dev.bellwether.standalone.DataFolder;
import dev.bellwether.standalone.LocalGateway;
import dev.bellwether.standalone.LocalKafka;
import dev.bellwether.standalone.LocalRedis;
import dev.bellwether.standalone.LocalStream;
import dev.bellwether.standalone.Ports;
import dev.bellwether.topic.Layout;
import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.HdrHistogram.Histogram;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Judgements to 202, beside a bare endpoint that awaits the same acknowledgement; and to the pair that follows, with the
 * feedback stream running. Everything shares the machine's cores.
 */
final class FeedbackBenchmark {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String BOT = "support";
    private static final int CONNECTIONS = 16;
    private static final int CONNECTIONS_MAX = 256;
    private static final int ROUNDS = 3;
    private static final int DUELS = 200;
    private static final Duration LEAD_IN = Duration.ofSeconds(1);
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final Duration CATCH_UP = Duration.ofMinutes(10);
    private static final Duration POLL = Duration.ofMillis(200);
    private static final String VOTE = "{\"kind\":\"thumb\",\"value\":\"up\"}";
    private static final String FIRST = "{\"kind\":\"preference\",\"chosen\":0}";

    private final Path home;
    private final Path scratch;
    private final Duration time;
    private final PrintWriter out;
    private final HttpClient http = HttpClient.newHttpClient();
    private final List<Figure> figures = new ArrayList<>();

    FeedbackBenchmark(Path home, Path scratch, Duration time, PrintWriter out) {
        this.home = home;
        this.scratch = scratch;
        this.time = time;
        this.out = out;
    }

    BenchmarkReport run() throws IOException, InterruptedException {
        Files.createDirectories(scratch);
        try (LocalKafka kafka = LocalKafka.start(scratch.resolve("kafka"));
                LocalRedis redis = LocalRedis.start(scratch.resolve("redis"));
                DataFolder folder = prepare();
                LocalGateway gateway = LocalGateway.start(
                        new LocalGateway.Surroundings(home, folder, kafka.bootstrapServers(), redis.url()),
                        List.of())) {
            rates(kafka.bootstrapServers(), gateway.port(), folder.apiKey());
            try (LocalStream _ = LocalStream.start(home, folder, kafka.bootstrapServers())) {
                pairs(kafka.bootstrapServers(), gateway.port(), folder.apiKey());
            }
        }
        return new BenchmarkReport(
                "feedback",
                Machine.describe(),
                figures,
                List.of("broker, gateway, bare endpoint and generator share all cores"));
    }

    private DataFolder prepare() throws IOException {
        Path bots = scratch.resolve("wanted.yaml");
        Files.writeString(
                bots,
                "bots:\n  %s: {champion: default, chat: {completion_tokens_max: 8, requests_per_minute: 100000000}}\n"
                        .formatted(BOT));
        DataFolder folder = DataFolder.open(scratch.resolve("data"));
        folder.prepare(home, Optional.of(bots));
        return folder;
    }

    private static void create(String kafka) throws IOException, InterruptedException {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka))) {
            NewTopic topic =
                    new NewTopic(BareEndpoint.TOPIC, Layout.DEFAULT.partitions(), Layout.DEFAULT.replication());
            admin.createTopics(List.of(topic)).all().get(LIMIT.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException("the bare endpoint's topic cannot be created", e);
        }
    }

    private void rates(String kafka, int gateway, String key) throws IOException, InterruptedException {
        create(kafka);
        int port = Ports.free();
        List<String> command = List.of(
                ProcessHandle.current().info().command().orElse("java"),
                "-Xmx512m",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                BareEndpoint.class.getName(),
                Integer.toString(port),
                kafka);
        try (ChildProcess _ =
                ChildProcess.start("bare endpoint", command, Map.of(), scratch, scratch.resolve("bare.log"))) {
            awaitListening(port);
            String token = chat(gateway, key, "")
                    .path("bellwether")
                    .path("feedback_token")
                    .asText();
            Map<String, String> headers = Map.of("authorization", "Bearer " + token);
            LoadGenerator bare = new LoadGenerator(port, "/v1/feedback", headers, VOTE, "feedback_id");
            LoadGenerator ours = new LoadGenerator(gateway, "/v1/feedback", headers, VOTE, "feedback_id");
            say("warming up");
            bare.closedLoop(CONNECTIONS, time);
            ours.closedLoop(CONNECTIONS, time);
            List<Double> floors = new ArrayList<>();
            List<Double> rates = new ArrayList<>();
            for (int round = 0; round < ROUNDS; round++) {
                say("round %d of %d".formatted(round + 1, ROUNDS));
                floors.add(rate(bare));
                rates.add(rate(ours));
            }
            double floor = GatewayBenchmark.middle(floors);
            double rate = GatewayBenchmark.middle(rates);
            figures.add(Figure.of("judgements to 202", CONNECTIONS + " connections", rate, "1/s")
                    .against("bare endpoint", floor)
                    .goal("at least .7 of the floor", rate >= .7 * floor));
            double held = Math.min(2_000, rate / 2);
            say("at %.0f a second".formatted(held));
            double p99 = ours.openLoop(CONNECTIONS_MAX, LEAD_IN, time, held).percentileMillis(99);
            figures.add(Figure.of("p99 to 202", "%.0f a second".formatted(held), p99, "ms")
                    .against(
                            "bare endpoint",
                            bare.openLoop(CONNECTIONS_MAX, LEAD_IN, time, held).percentileMillis(99))
                    .goal("at most 20 ms", p99 <= 20));
        }
    }

    private double rate(LoadGenerator load) throws IOException {
        LoadGenerator.Result result = load.closedLoop(CONNECTIONS, time);
        if (result.bad() > 0 || result.good() == 0) {
            throw new IOException("%d bad answers and %d good ones".formatted(result.bad(), result.good()));
        }
        return result.perSecond();
    }

    private static void awaitListening(int port) throws IOException, InterruptedException {
        long start = System.nanoTime();
        while (true) {
            try (Socket _ = new Socket(InetAddress.getLoopbackAddress(), port)) {
                return;
            } catch (IOException e) {
                if (System.nanoTime() - start > LIMIT.toNanos()) {
                    throw new IOException("the bare endpoint did not come up", e);
                }
                Thread.sleep(50);
            }
        }
    }

    /** From the vote on a duel until the pair can be read, one vote after the other. */
    private void pairs(String kafka, int gateway, String key) throws IOException, InterruptedException {
        Map<String, Long> sent = new ConcurrentHashMap<>();
        Histogram latency = new Histogram(LIMIT.toNanos(), 3);
        try (KafkaConsumer<String, PreferencePair> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", kafka, "isolation.level", "read_committed"),
                new StringDeserializer(),
                Topics.PREFERENCE_PAIRS.valueSerde().deserializer())) {
            List<TopicPartition> partitions = Topics.PREFERENCE_PAIRS.partitions(consumer);
            consumer.assign(partitions);
            consumer.seekToEnd(partitions);
            partitions.forEach(consumer::position);
            say("waiting for the stream to read what came before");
            awaitWorkedOff(kafka);
            // The stream's first transactions are not what is measured.
            vote(gateway, key, sent);
            await(consumer, sent, latency);
            latency.reset();
            for (int i = 0; i < DUELS; i++) {
                vote(gateway, key, sent);
                await(consumer, sent, latency);
            }
        }
        double p99 = latency.getValueAtPercentile(99) / 1e6;
        figures.add(Figure.of("p99 from vote to pair", "one at a time", p99, "ms")
                .goal("at most 1 s", p99 <= 1_000 && sent.isEmpty()));
        figures.add(Figure.of("p50 from vote to pair", "one at a time", latency.getValueAtPercentile(50) / 1e6, "ms"));
    }

    private static void awaitWorkedOff(String kafka) throws IOException, InterruptedException {
        long start = System.nanoTime();
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka))) {
            while (!Backlog.of(admin, Backlog.STREAM).workedOff()) {
                if (System.nanoTime() - start > CATCH_UP.toNanos()) {
                    throw new IOException("the stream did not read what came before in " + CATCH_UP);
                }
                Thread.sleep(POLL);
            }
        }
    }

    /** Decides a duel, if its replies differ. */
    private void vote(int gateway, String key, Map<String, Long> sent) throws IOException, InterruptedException {
        JsonNode reply = chat(gateway, key, ",\"bellwether\":{\"duel\":\"always\"}");
        JsonNode choices = reply.path("choices");
        if (!choices.path(0).at("/message/content").equals(choices.path(1).at("/message/content"))) {
            JsonNode about = reply.path("bellwether");
            sent.put(about.path("interaction_id").asText(), System.nanoTime());
            post(gateway, "/v1/feedback", about.path("feedback_token").asText(), FIRST);
        }
    }

    private static void await(
            KafkaConsumer<String, PreferencePair> consumer, Map<String, Long> sent, Histogram latency) {
        long start = System.nanoTime();
        while (!sent.isEmpty() && System.nanoTime() - start < LIMIT.toNanos()) {
            consumer.poll(Duration.ofMillis(20)).forEach(record -> {
                PreferencePair pair = record.value();
                Long began = pair == null ? null : sent.remove(pair.chosen().interactionId());
                if (began != null) {
                    latency.recordValue(Math.min(LIMIT.toNanos(), System.nanoTime() - began));
                }
            });
        }
    }

    private JsonNode chat(int port, String key, String more) throws IOException, InterruptedException {
        return post(
                port,
                "/v1/chat/completions",
                key,
                "{\"model\":\"%s\",\"user\":\"mia\",\"messages\":[{\"role\":\"user\",\"content\":\"Question %s?\"}]%s}"
                        .formatted(BOT, UUID.randomUUID(), more));
    }

    private JsonNode post(int port, String path, String bearer, String body) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:%d%s".formatted(port, path)))
                .timeout(LIMIT)
                .header("authorization", "Bearer " + bearer)
                .header("content-type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
        HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() >= 300) {
            throw new IOException(
                    "%s was answered with %d: %s".formatted(path, response.statusCode(), response.body()));
        }
        return JSON.readTree(response.body());
    }

    private void say(String what) {
        out.println(what);
        out.flush();
    }
}
