package dev.bellwether.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.event.Event;
import dev.bellwether.event.Interaction;
import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.checkpoint.UpstreamConfig;
import dev.bellwether.standalone.DataFolder;
import dev.bellwether.standalone.Ports;
import dev.bellwether.topic.Layout;
import dev.bellwether.topic.Topic;
import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/** A gateway with a data folder of its own, on Kafka and Redis of all, and calls to it over plain HTTP. */
final class TestGateway implements AutoCloseable {
    static final ObjectMapper JSON = new ObjectMapper();
    static final HttpClient HTTP = HttpClient.newHttpClient();
    static final long SPOOL_BYTES = 64L << 20;
    private static final Path HOME = Path.of("..");
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private final DataFolder folder;
    private final int port = Ports.free();
    private final int operatorPort = Ports.free();
    private final Settings settings;
    private @Nullable Gateway gateway;

    /** What differs from one test's gateway to another's. */
    record Settings(
            List<String> proxies,
            Function<String, @Nullable String> environment,
            String kafka,
            long modelBytesMax,
            long spoolBytesMax) {
        static final Settings DEFAULT = new Settings(List.of(), _ -> null, "", 4L << 30, SPOOL_BYTES);
    }

    TestGateway(Path directory, String bots, Settings settings) {
        this.settings = settings;
        this.folder = DataFolder.open(directory);
        Path file = directory.resolve("wanted.yaml");
        try {
            Files.writeString(file, bots);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        folder.prepare(HOME, Optional.of(file));
    }

    /** Adds a version that a service answers for. */
    TestGateway upstream(String bot, String version, String json) throws IOException {
        UpstreamConfig config = UpstreamConfig.parse(json);
        new PolicyStore(folder.store())
                .publish(ArtefactLabel.added(bot, version, ArtefactKind.UPSTREAM, Instant.now()), config::write);
        return this;
    }

    /** Publishes the default policy once more as {@code name}. */
    TestGateway version(String bot, String name) throws IOException {
        new PolicyStore(folder.store())
                .publish(ArtefactLabel.added(bot, name, ArtefactKind.CHECKPOINT, Instant.now()), target -> {
                    try (Stream<Path> files =
                            Files.list(folder.store().resolve(bot).resolve("default"))) {
                        for (Path file : files.filter(each -> !each.endsWith("manifest.json"))
                                .toList()) {
                            Files.copy(file, target.resolve(file.getFileName()));
                        }
                    }
                });
        return this;
    }

    TestGateway start() throws IOException {
        gateway = Gateway.start(config());
        await(() -> send("GET", operator("/readyz"), "", null).statusCode() == 200);
        return this;
    }

    GatewayConfig config() {
        return new GatewayConfig(
                "127.0.0.1",
                port,
                operatorPort,
                settings.kafka().isEmpty() ? Backing.kafka() : settings.kafka(),
                Layout.DEFAULT,
                Backing.redis(),
                folder.bots(),
                folder.keys(),
                folder.tokenKeys(),
                folder.store(),
                folder.service("gateway"),
                settings.proxies(),
                1_000_000,
                true,
                settings.modelBytesMax(),
                settings.spoolBytesMax(),
                settings.environment());
    }

    DataFolder folder() {
        return folder;
    }

    int port() {
        return port;
    }

    String key() {
        return folder.apiKey();
    }

    URI open(String path) {
        return URI.create("http://127.0.0.1:%d%s".formatted(port, path));
    }

    URI operator(String path) {
        return URI.create("http://127.0.0.1:%d%s".formatted(operatorPort, path));
    }

    static void await(Callable<Boolean> condition) {
        Awaitility.await().atMost(Duration.ofMinutes(1)).ignoreExceptions().until(condition);
    }

    static HttpRequest request(String method, URI uri, String body, @Nullable String bearer, String... headers) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(uri).timeout(LIMIT).method(method, HttpRequest.BodyPublishers.ofString(body));
        List<String> given = List.of(headers);
        if (!given.contains("content-type")) {
            request.header("content-type", "application/json");
        }
        if (bearer != null) {
            request.header("authorization", "Bearer " + bearer);
        }
        if (headers.length > 0) {
            request.headers(headers);
        }
        return request.build();
    }

    static HttpResponse<String> send(String method, URI uri, String body, @Nullable String bearer, String... headers)
            throws IOException, InterruptedException {
        HttpRequest request = request(method, uri, body, bearer, headers);
        HttpResponse<String> response = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
        Contract.hold(request, body, response);
        return response;
    }

    /** A question to {@code bot}; {@code more} are further fields of the body, each with a comma before it. */
    static String question(String bot, String more) {
        return "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"Where is my card?\"}]%s}"
                .formatted(bot, more);
    }

    HttpResponse<String> ask(String bot, String more, String... headers) throws IOException, InterruptedException {
        return send("POST", open("/v1/chat/completions"), question(bot, more), key(), headers);
    }

    JsonNode chat(String bot, String more) throws IOException, InterruptedException {
        HttpResponse<String> response = ask(bot, more);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return JSON.readTree(response.body());
    }

    /** The data of a stream's events, the last of which must be {@code [DONE]}, left out here. */
    static List<JsonNode> events(String stream) throws IOException {
        List<JsonNode> events = new ArrayList<>();
        for (String line : stream.lines().toList()) {
            if (line.startsWith("data: {")) {
                events.add(JSON.readTree(line.substring(6)));
            }
        }
        return events;
    }

    static String token(JsonNode reply) {
        return reply.path("bellwether").path("feedback_token").asText();
    }

    HttpResponse<String> judge(String token, String body, String... headers) throws IOException, InterruptedException {
        return send("POST", open("/v1/feedback"), body, token, headers);
    }

    /** The recorded interaction of a reply; it may take a while by way of the spool. */
    static Interaction recorded(JsonNode reply) {
        String id = reply.path("bellwether").path("interaction_id").asText();
        return Awaitility.await()
                .atMost(LIMIT)
                .until(
                        () -> records(Topics.INTERACTIONS).stream()
                                .filter(each -> each.interactionId().equals(id))
                                .findFirst(),
                        Optional::isPresent)
                .orElseThrow();
    }

    /** The recorded interactions of those names, each once: what a slow broker acknowledges late comes by the spool, too. */
    static List<Interaction> interactions(Collection<String> ids) {
        Map<String, Interaction> found = new LinkedHashMap<>();
        records(Topics.INTERACTIONS).stream()
                .filter(each -> ids.contains(each.interactionId()))
                .forEach(each -> found.put(each.interactionId(), each));
        return List.copyOf(found.values());
    }

    /** Everything in a topic. */
    static <E extends Event> List<E> records(Topic<E> topic) {
        return records(topic, Backing.kafka());
    }

    static <E extends Event> List<E> records(Topic<E> topic, String kafka) {
        try (KafkaConsumer<String, E> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", kafka),
                new StringDeserializer(),
                topic.valueSerde().deserializer())) {
            List<TopicPartition> partitions = topic.partitions(consumer);
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            List<E> all = new ArrayList<>();
            while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.getOrDefault(p, 0L))) {
                consumer.poll(Duration.ofMillis(200)).forEach(record -> all.add(record.value()));
            }
            return all;
        }
    }

    void stop() {
        if (gateway != null) {
            gateway.close();
            gateway = null;
        }
    }

    @Override
    public void close() {
        stop();
        folder.close();
    }
}
