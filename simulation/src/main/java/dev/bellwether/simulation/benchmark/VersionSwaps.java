package dev.bellwether.simulation.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.event.RolloutState;
import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.standalone.DataFolder;
import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Changes a bot's champion as the end of a rollout does: by announcing it to the gateway. */
final class VersionSwaps implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final Duration LOOK_EVERY = Duration.ofMillis(20);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final String bot;
    private final URI ready;
    private final KafkaProducer<String, RolloutState> producer;

    VersionSwaps(String bot, String kafka, int operatorPort) {
        this.bot = bot;
        this.ready = URI.create("http://127.0.0.1:%d/readyz".formatted(operatorPort));
        this.producer = new KafkaProducer<>(
                Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, kafka, ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true),
                new StringSerializer(),
                Topics.ROLLOUT_STATE.valueSerde().serializer());
    }

    /** Adds {@code count} versions like the default policy to a folder's store, their files linked; their names. */
    static List<String> prepare(DataFolder folder, String bot, int count) throws IOException {
        PolicyStore store = new PolicyStore(folder.store());
        Path shipped = store.path(bot, "default");
        List<String> versions = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            versions.add("swap-" + i);
            ArtefactLabel label = ArtefactLabel.added(bot, versions.getLast(), ArtefactKind.CHECKPOINT, Instant.now());
            store.publish(label, target -> {
                try (Stream<Path> files = Files.list(shipped)) {
                    for (Path file : files.toList()) {
                        if (!file.endsWith("manifest.json")) {
                            Files.createLink(target.resolve(file.getFileName()), file);
                        }
                    }
                }
            });
        }
        return versions;
    }

    /** Makes a version the champion and waits until the gateway has it; how long that took. */
    Duration swap(String version) throws IOException, InterruptedException {
        long start = System.nanoTime();
        try {
            producer.send(new ProducerRecord<>(Topics.ROLLOUT_STATE.name(), bot, RolloutState.idle(bot, version)))
                    .get();
        } catch (ExecutionException e) {
            throw new IOException("version %s was not announced".formatted(version), e.getCause());
        }
        while (!loaded().contains(version)) {
            if (System.nanoTime() - start > LIMIT.toNanos()) {
                throw new IOException("version %s was not loaded within %s".formatted(version, LIMIT));
            }
            Thread.sleep(LOOK_EVERY);
        }
        return Duration.ofNanos(System.nanoTime() - start);
    }

    private List<String> loaded() throws IOException {
        try (InputStream answer = ready.toURL().openStream()) {
            List<String> versions = new ArrayList<>();
            for (JsonNode each : JSON.readTree(answer).path("model_memory").path("versions")) {
                versions.add(each.path("version").asText());
            }
            return versions;
        }
    }

    @Override
    public void close() {
        producer.close();
    }
}
