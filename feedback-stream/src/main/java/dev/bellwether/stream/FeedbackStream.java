package dev.bellwether.stream;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.sun.net.httpserver.HttpServer;
import dev.bellwether.settings.Champion;
import dev.bellwether.settings.WatchedFile;
import dev.bellwether.stream.rollout.DecideRollouts.BotRollout;
import dev.bellwether.stream.rollout.RolloutConfig;
import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The feedback stream's main class. */
public final class FeedbackStream implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FeedbackStream.class);
    private static final Duration TOKEN_VALID = Duration.ofDays(7);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(20);
    private static final ObjectMapper YAML = YAMLMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .build();

    private final WatchedFile<Map<String, BotRollout>> bots;
    private final KafkaStreams streams;
    private final HttpServer health;

    private record BotsFile(@JsonProperty(required = true) Map<String, @Nullable Sections> bots) {}

    private record Sections(
            @JsonProperty(required = true) @Nullable String champion,
            @Nullable JsonNode chat,
            @Nullable JsonNode serving,
            @Nullable RolloutConfig rollout,
            @Nullable JsonNode refresh) {
        private static final Sections NONE = new Sections(null, null, null, null, null);
    }

    private FeedbackStream(WatchedFile<Map<String, BotRollout>> bots, KafkaStreams streams, HttpServer health) {
        this.bots = bots;
        this.streams = streams;
        this.health = health;
    }

    public static void main(String[] arguments) throws InterruptedException {
        Map<String, String> environment = System.getenv();
        try {
            FeedbackStream stream = start(
                    required(environment, "BELLWETHER_KAFKA"),
                    Path.of(required(environment, "BELLWETHER_BOTS")),
                    Path.of(required(environment, "BELLWETHER_DATA")),
                    Integer.parseInt(environment.getOrDefault("BELLWETHER_HEALTH_PORT", "8082")),
                    Short.parseShort(environment.getOrDefault("BELLWETHER_REPLICATION", "1")));
            Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(stream::close));
        } catch (IOException | IllegalArgumentException | IllegalStateException e) {
            System.err.println("feedback-stream: " + e.getMessage());
            System.exit(1);
        }
    }

    private static String required(Map<String, String> environment, String name) {
        String value = environment.get(name);
        if (value == null || value.isBlank()) {
            throw new IllegalArgumentException("the environment variable %s is missing".formatted(name));
        }
        return value;
    }

    static FeedbackStream start(String kafka, Path bots, Path data, int healthPort, short replication)
            throws IOException, InterruptedException {
        try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, kafka))) {
            Topics.ensure(admin, replication);
        }
        WatchedFile<Map<String, BotRollout>> watched = new WatchedFile<>(bots, FeedbackStream::readBots).watch();
        KafkaStreams streams = new KafkaStreams(
                FeedbackTopology.build(TOKEN_VALID, watched::value), settings(kafka, data, replication));
        streams.setUncaughtExceptionHandler(failure -> {
            LOG.error("a stream thread failed and is replaced", failure);
            return StreamThreadExceptionResponse.REPLACE_THREAD;
        });
        HttpServer health = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), healthPort), 0);
        health.createContext("/readyz", exchange -> {
            boolean running = streams.state().isRunningOrRebalancing();
            exchange.sendResponseHeaders(running ? 200 : 503, -1);
            exchange.close();
        });
        health.start();
        streams.start();
        return new FeedbackStream(watched, streams, health);
    }

    static Map<String, BotRollout> readBots(String text) throws IOException {
        Map<String, BotRollout> bots = new HashMap<>();
        for (Map.Entry<String, @Nullable Sections> bot :
                YAML.readValue(text, BotsFile.class).bots().entrySet()) {
            Sections sections = Objects.requireNonNullElse(bot.getValue(), Sections.NONE);
            RolloutConfig rollout = sections.rollout();
            bots.put(
                    bot.getKey(),
                    new BotRollout(
                            Champion.of(bot.getKey(), sections.champion()),
                            rollout == null ? RolloutConfig.defaults() : rollout));
        }
        return bots;
    }

    private static Properties settings(String kafka, Path data, short replication) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "feedback-stream");
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, kafka);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, data.toString());
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, (int) replication);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.MAX_REQUEST_SIZE_CONFIG), Topics.RECORD_BYTES_MAX);
        settings.put(StreamsConfig.topicPrefix(TopicConfig.MAX_MESSAGE_BYTES_CONFIG), Topics.RECORD_BYTES_MAX);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), 10_000);
        return settings;
    }

    @Override
    public void close() {
        health.stop(0);
        bots.close();
        streams.close(CLOSE_TIMEOUT);
    }
}
