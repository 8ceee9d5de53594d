package dev.bellwether.trainer.refresh;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.event.Erasure;
import dev.bellwether.event.Event;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.RefreshProgress;
import dev.bellwether.event.RefreshProgress.Report;
import dev.bellwether.event.RefreshRequest;
import dev.bellwether.policy.checkpoint.LearnedFrom;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.standalone.LocalKafka;
import dev.bellwether.topic.Layout;
import dev.bellwether.topic.Topic;
import dev.bellwether.topic.Topics;
import dev.bellwether.trainer.refresh.RefreshService.BotRefresh;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The service against a broker, for a bot whose champion is an upstream. */
class RefreshServiceIT {
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final String PERSON = "person-11";

    @TempDir
    private Path directory = Path.of("");

    @Test
    void publishesARewardModelWhereAnUpstreamAnswersAndRegistersNoCandidate() throws Exception {
        PolicyStore store = SmallPolicy.store(directory);
        AdvancedClock clock = new AdvancedClock();
        Map<String, BotRefresh> bots = Map.of("support", new BotRefresh("large", List.of(), RefreshIT.CONFIG));
        try (LocalKafka kafka = LocalKafka.start(directory.resolve("kafka"))) {
            judgeAndAsk(kafka.bootstrapServers());
            RefreshService service = new RefreshService(
                    kafka.bootstrapServers(), () -> bots, store, directory.resolve("trainer"), clock);
            CompletableFuture<Void> running = CompletableFuture.runAsync(() -> run(service));
            try (KafkaConsumer<String, byte[]> reader = reader(kafka.bootstrapServers())) {
                saysWhyItFailed(reader);
                RefreshIT.publishUpstream(store);
                clock.advance(Duration.ofMinutes(1));
                Report report = Awaitility.await()
                        .atMost(LIMIT)
                        .until(() -> report(reader), Optional::isPresent)
                        .orElseThrow();
                assertThat(report.passed()).isTrue();
                assertThat(report.version()).isNull();
                assertThat(store.newestReward("support"))
                        .hasValueSatisfying(name -> assertThat(report.reasons())
                                .anyMatch(reason -> reason.contains("the reward model " + name + " is published")));
                forgets(kafka.bootstrapServers(), store);
                assertThat(reader.endOffsets(Topics.ROLLOUT_COMMANDS.partitions(reader))
                                .values())
                        .as("records that register a candidate")
                        .containsOnly(0L);
            } finally {
                service.close();
                running.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            }
        }
    }

    /** The champion is not in the store yet. */
    private static void saysWhyItFailed(KafkaConsumer<String, byte[]> reader) {
        RefreshProgress waiting = Awaitility.await()
                .atMost(LIMIT)
                .until(() -> newest(reader, progress -> progress.problem() != null), Optional::isPresent)
                .orElseThrow();
        assertThat(waiting.stage()).isEqualTo("waiting");
        assertThat(waiting.problem()).contains("version large of bot support is not in the store");
        assertThat(waiting.metrics()).containsEntry("retry_seconds", 30.0);
        assertThat(waiting.report()).isNull();
    }

    /** The system's clock, further on. */
    private static final class AdvancedClock extends Clock {
        private final AtomicReference<Duration> ahead = new AtomicReference<>(Duration.ZERO);

        private void advance(Duration by) {
            ahead.updateAndGet(by::plus);
        }

        @Override
        public Instant instant() {
            return Instant.now().plus(ahead.get());
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    private void forgets(String kafka, PolicyStore store) throws IOException {
        assertThat(LearnedFrom.versions(store, "support", PERSON))
                .containsExactly(store.newestReward("support").orElseThrow());
        assertThat(snapshots()).contains(PERSON, "\"person-12\"");
        try (KafkaProducer<String, byte[]> producer = producer(kafka)) {
            send(producer, Topics.ERASURES, PERSON, new Erasure(Event.SCHEMA, PERSON, "shop", 1_000));
        }
        Awaitility.await()
                .atMost(LIMIT)
                .untilAsserted(
                        () -> assertThat(snapshots()).contains("\"person-12\"").doesNotContain("\"" + PERSON + "\""));
    }

    /** Every file of the trainer's folder, as one text. */
    private String snapshots() throws IOException {
        StringBuilder all = new StringBuilder();
        try (Stream<Path> files = Files.walk(directory.resolve("trainer"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                all.append(Files.readString(file, StandardCharsets.ISO_8859_1));
            }
        }
        return all.toString();
    }

    private static void run(RefreshService service) {
        try {
            service.run();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void judgeAndAsk(String kafka) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka));
                KafkaProducer<String, byte[]> producer = producer(kafka)) {
            Topics.ensure(admin, Layout.DEFAULT);
            for (PreferencePair pair : RefreshIT.snapshot(false).pairs()) {
                send(producer, Topics.PREFERENCE_PAIRS, pair.pairId(), pair);
            }
            RefreshRequest request =
                    new RefreshRequest(Event.SCHEMA, "r1", "support", "an operator", System.currentTimeMillis());
            send(producer, Topics.REFRESH_REQUESTS, "support", request);
        }
    }

    static KafkaProducer<String, byte[]> producer(String kafka) {
        return new KafkaProducer<>(
                Map.of("bootstrap.servers", kafka), new StringSerializer(), new ByteArraySerializer());
    }

    private static <E extends Event> void send(
            KafkaProducer<String, byte[]> producer, Topic<E> topic, String key, E event) {
        byte[] bytes = topic.valueSerde().serializer().serialize(topic.name(), event);
        var _ = producer.send(new ProducerRecord<>(topic.name(), key, bytes));
    }

    private static KafkaConsumer<String, byte[]> reader(String kafka) {
        KafkaConsumer<String, byte[]> reader = new KafkaConsumer<>(
                Map.of("bootstrap.servers", kafka), new StringDeserializer(), new ByteArrayDeserializer());
        reader.assign(Topics.REFRESH_PROGRESS.partitions(reader));
        reader.seekToBeginning(reader.assignment());
        return reader;
    }

    private static Optional<Report> report(KafkaConsumer<String, byte[]> reader) {
        return newest(reader, progress -> progress.report() != null)
                .flatMap(progress -> Optional.ofNullable(progress.report()));
    }

    private static Optional<RefreshProgress> newest(
            KafkaConsumer<String, byte[]> reader, Predicate<RefreshProgress> wanted) {
        RefreshProgress found = null;
        for (var record : reader.poll(Duration.ofMillis(200))) {
            RefreshProgress progress =
                    Topics.REFRESH_PROGRESS.valueSerde().deserializer().deserialize(record.topic(), record.value());
            found = wanted.test(progress) ? progress : found;
        }
        return Optional.ofNullable(found);
    }
}
