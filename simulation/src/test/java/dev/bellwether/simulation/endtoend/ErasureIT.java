package dev.bellwether.simulation.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.sdk.BellwetherClient;
import dev.bellwether.sdk.ChatRequest;
import dev.bellwether.sdk.ChatResponse;
import dev.bellwether.sdk.Duel;
import dev.bellwether.sdk.Erasure;
import dev.bellwether.sdk.Feedback;
import dev.bellwether.sdk.Message;
import dev.bellwether.standalone.Installation;
import dev.bellwether.standalone.InstallationSettings;
import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A user of the whole service asks to be forgotten; what is kept for months is kept for a second here. */
class ErasureIT {
    private static final Path HOME = Path.of("..").toAbsolutePath().normalize();
    private static final Duration LIMIT = Duration.ofMinutes(3);
    private static final String SECRET = "my zebra xylophone was stolen";
    private static final String STAYS = "my yellow quagga was stolen";
    private static final Map<String, String> SHORT = Map.of(
            "retention.ms", "5000",
            "segment.ms", "1000",
            "file.delete.delay.ms", "0",
            "max.compaction.lag.ms", "1000",
            "min.cleanable.dirty.ratio", "0.01",
            "delete.retention.ms", "1000");

    @TempDir
    private Path directory = Path.of("");

    @Test
    void leavesNothingOfAUserInAnyTopicNorInAnyFile() throws Exception {
        InstallationSettings settings = InstallationSettings.of(HOME, directory.resolve("data"))
                .chatPort(0)
                .bots(HOME.resolve("simulation/demo-bots.yaml"));
        try (Installation installation = Installation.start(settings);
                Admin admin = Admin.create(Map.of("bootstrap.servers", installation.kafka()))) {
            BellwetherClient client = BellwetherClient.builder()
                    .baseUrl(installation.chatUrl().toString())
                    .apiKey(installation.apiKey())
                    .retriesMax(8)
                    .build();
            for (int i = 0; i < 6; i++) {
                judge(client, "mia", SECRET);
                judge(client, "tom", STAYS);
            }
            awaitPairs(installation.kafka());
            Instant asked = Instant.now();
            Erasure erasure = client.forget("mia");
            assertThat(erasure.erasedBy())
                    .isBetween(asked.plus(Topics.ERASED_WITHIN), Instant.now().plus(Topics.ERASED_WITHIN));
            assertThat(erasure.versions()).isEmpty();
            shorten(admin);
            Awaitility.await().atMost(LIMIT).pollInterval(Duration.ofSeconds(2)).untilAsserted(() -> {
                // Segments end, and are looked through, as records come.
                judge(client, "tom", STAYS);
                assertThat(topicsWith(installation.kafka(), SECRET))
                        .as("topics that hold what she said")
                        .isEmpty();
            });
        }
        assertThat(filesWith(directory, SECRET))
                .as("files of the gateway, the stream and Kafka that hold what she said")
                .isEmpty();
        assertThat(filesWith(directory, STAYS)).isNotEmpty();
    }

    private static void judge(BellwetherClient client, String user, String question) {
        ChatResponse reply = client.chat(ChatRequest.builder("support")
                .user(user)
                .message(Message.user(question))
                .duel(Duel.ALWAYS)
                .build());
        client.submit(reply.feedbackToken().orElseThrow(), new Feedback.Preference(Feedback.Preference.Chosen.FIRST));
    }

    private static void awaitPairs(String kafka) {
        Awaitility.await()
                .atMost(LIMIT)
                .untilAsserted(() -> assertThat(topicsWith(kafka, SECRET))
                        .contains("interactions", "rated-interactions", "preference-pairs")
                        .anyMatch(topic -> topic.contains("judged-by-prompt-changelog")));
    }

    private static void shorten(Admin admin) throws Exception {
        Map<ConfigResource, Collection<AlterConfigOp>> changes = new HashMap<>();
        for (String topic : admin.listTopics(new ListTopicsOptions()).names().get()) {
            changes.put(
                    new ConfigResource(ConfigResource.Type.TOPIC, topic),
                    SHORT.entrySet().stream()
                            .map(each -> new AlterConfigOp(new ConfigEntry(each.getKey(), each.getValue()), OpType.SET))
                            .toList());
        }
        changes.put(
                new ConfigResource(ConfigResource.Type.BROKER, ""),
                List.of(new AlterConfigOp(new ConfigEntry("log.cleaner.backoff.ms", "500"), OpType.SET)));
        admin.incrementalAlterConfigs(changes).all().get();
    }

    /** Topics, those of the stream's own too, in a record of which {@code text} stands. */
    private static Collection<String> topicsWith(String kafka, String text) {
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", kafka), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = consumer.listTopics().values().stream()
                    .flatMap(infos -> infos.stream().map(info -> new TopicPartition(info.topic(), info.partition())))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            Collection<String> holding = new TreeSet<>();
            while (partitions.stream().anyMatch(each -> consumer.position(each) < ends.getOrDefault(each, 0L))) {
                consumer.poll(Duration.ofMillis(200)).forEach(record -> {
                    if (record.value() != null && new String(record.value(), StandardCharsets.UTF_8).contains(text)) {
                        holding.add(record.topic());
                    }
                });
            }
            return holding;
        }
    }

    private static List<Path> filesWith(Path folder, String text) throws IOException {
        List<Path> holding = new ArrayList<>();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                if (Files.readString(file, StandardCharsets.ISO_8859_1).contains(text)) {
                    holding.add(file);
                }
            }
        }
        return holding;
    }
}
