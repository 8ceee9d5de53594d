package dev.bellwether.stream;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import dev.bellwether.event.RolloutSettings;
import dev.bellwether.settings.Champion;
import dev.bellwether.settings.WatchedFile;
import dev.bellwether.stream.rollout.DecideRollouts.BotRollout;
import dev.bellwether.topic.Layout;
import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.CloseOptions.GroupMembershipOperation;
import org.apache.kafka.streams.KafkaStreams;
import org.jspecify.annotations.Nullable;

/** The feedback stream's main class. */
public final class FeedbackStream implements AutoCloseable {
    private static final Duration TOKEN_VALID = Duration.ofDays(7);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(20);
    private static final ObjectMapper YAML = YAMLMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .addModule(new JavaTimeModule())
            .build();

    private final WatchedFile<Map<String, BotRollout>> bots;
    private final KafkaStreams streams;
    private final Admin admin;

    /** One that has a lasting name comes back; of one that has none others take the work over at once. */
    private final GroupMembershipOperation leaving;

    private final HealthServer health;

    private record BotsFile(@JsonProperty(required = true) Map<String, @Nullable Sections> bots) {}

    private record Sections(
            @JsonProperty(required = true) @Nullable String champion,
            @Nullable JsonNode chat,
            @Nullable JsonNode serving,
            @Nullable JsonNode privacy,
            @Nullable RolloutSettings rollout,
            @Nullable JsonNode refresh) {
        private static final Sections NONE = new Sections(null, null, null, null, null, null);
    }

    private FeedbackStream(
            WatchedFile<Map<String, BotRollout>> bots,
            KafkaStreams streams,
            Admin admin,
            HealthServer health,
            GroupMembershipOperation leaving) {
        this.bots = bots;
        this.leaving = leaving;
        this.streams = streams;
        this.admin = admin;
        this.health = health;
    }

    public static void main(String[] arguments) throws InterruptedException {
        Map<String, String> environment = System.getenv();
        try {
            StreamSettings settings = new StreamSettings(
                    required(environment, "BELLWETHER_KAFKA"),
                    Path.of(required(environment, "BELLWETHER_DATA")),
                    number(
                            environment,
                            "BELLWETHER_THREADS",
                            Runtime.getRuntime().availableProcessors()),
                    new Layout(
                            (short) number(environment, "BELLWETHER_REPLICATION", Layout.DEFAULT.replication()),
                            number(environment, "BELLWETHER_PARTITIONS", Layout.DEFAULT.partitions())),
                    Optional.ofNullable(environment.get("BELLWETHER_INSTANCE")),
                    number(environment, "BELLWETHER_STANDBYS", 0));
            FeedbackStream stream = start(
                    settings,
                    Path.of(required(environment, "BELLWETHER_BOTS")),
                    number(environment, "BELLWETHER_HEALTH_PORT", 8082));
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

    private static int number(Map<String, String> environment, String name, int otherwise) {
        String value = environment.get(name);
        try {
            return value == null ? otherwise : Integer.parseInt(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("%s is '%s', not a number".formatted(name, value), e);
        }
    }

    static FeedbackStream start(StreamSettings settings, Path bots, int healthPort)
            throws IOException, InterruptedException {
        Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, settings.kafka()));
        try {
            Topics.ensure(admin, settings.topics());
            WatchedFile<Map<String, BotRollout>> watched = new WatchedFile<>(bots, FeedbackStream::readBots).watch();
            KafkaStreams streams = new KafkaStreams(
                    FeedbackTopology.build(TOKEN_VALID, watched::value), settings.properties(), new Clients());
            streams.setUncaughtExceptionHandler(new Replacement(Clock.systemUTC()));
            Progress progress = new Progress(streams, admin, StreamSettings.GROUP, System::nanoTime);
            HealthServer health = HealthServer.start(healthPort, progress);
            streams.start();
            GroupMembershipOperation leaving = settings.instance().isPresent()
                    ? GroupMembershipOperation.REMAIN_IN_GROUP
                    : GroupMembershipOperation.LEAVE_GROUP;
            return new FeedbackStream(watched, streams, admin, health, leaving);
        } catch (RuntimeException | IOException | InterruptedException e) {
            admin.close();
            throw e;
        }
    }

    static Map<String, BotRollout> readBots(String text) throws IOException {
        Map<String, BotRollout> bots = new HashMap<>();
        for (Map.Entry<String, @Nullable Sections> bot :
                YAML.readValue(text, BotsFile.class).bots().entrySet()) {
            Sections sections = Objects.requireNonNullElse(bot.getValue(), Sections.NONE);
            RolloutSettings rollout = sections.rollout();
            bots.put(
                    bot.getKey(),
                    new BotRollout(
                            Champion.of(bot.getKey(), sections.champion()),
                            rollout == null ? RolloutSettings.defaults() : rollout));
        }
        return bots;
    }

    @Override
    public void close() {
        health.close();
        bots.close();
        streams.close(CloseOptions.timeout(CLOSE_TIMEOUT).withGroupMembershipOperation(leaving));
        admin.close(CLOSE_TIMEOUT);
    }
}
