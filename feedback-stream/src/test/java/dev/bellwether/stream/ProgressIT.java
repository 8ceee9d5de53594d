package dev.bellwether.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.standalone.LocalKafka;
import dev.bellwether.topic.Layout;
import dev.bellwether.topic.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What readiness says of a stream whose work does not get on. */
class ProgressIT {
    private static final Duration LIMIT = Duration.ofSeconds(90);

    @TempDir
    private Path directory = Path.of("");

    @Test
    void saysThatItIsNotReadyWhenRecordsDoNotGetTheirTurnOrKafkaIsAway() throws Exception {
        CountDownLatch released = new CountDownLatch(1);
        AtomicLong nanos = new AtomicLong();
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(Topics.ERASURES.name(), Consumed.with(Serdes.String(), Serdes.ByteArray()))
                .foreach((key, value) -> await(released));
        try (LocalKafka kafka = LocalKafka.start(directory.resolve("kafka"));
                Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()));
                KafkaProducer<String, byte[]> producer = new KafkaProducer<>(
                        Map.of("bootstrap.servers", kafka.bootstrapServers()),
                        new StringSerializer(),
                        new ByteArraySerializer());
                KafkaStreams streams = new KafkaStreams(builder.build(), settings(kafka))) {
            Topics.ensure(admin, Layout.DEFAULT);
            Progress progress = new Progress(streams, admin, "hanging", nanos::get);
            streams.start();
            Awaitility.await()
                    .atMost(LIMIT)
                    .untilAsserted(() -> assertThat(progress.obstacle()).isEmpty());
            producer.send(new ProducerRecord<>(Topics.ERASURES.name(), "unturned", new byte[] {1}))
                    .get(30, TimeUnit.SECONDS);
            assertThat(progress.obstacle()).isEmpty();
            nanos.addAndGet(Duration.ofSeconds(31).toNanos());
            assertThat(progress.obstacle())
                    .hasValueSatisfying(obstacle -> assertThat(obstacle).contains("erasures", "for 31 s"));
            released.countDown();
            Awaitility.await().atMost(LIMIT).untilAsserted(() -> {
                nanos.addAndGet(Duration.ofSeconds(31).toNanos());
                assertThat(progress.obstacle()).isEmpty();
            });
            kafka.kill();
            try {
                assertThat(progress.obstacle()).contains("Kafka does not answer");
                assertThat(progress.hang()).as("a new start would not help").isEmpty();
            } finally {
                kafka.restart();
            }
        }
    }

    private Properties settings(LocalKafka kafka) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "hanging");
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrapServers());
        settings.put(
                StreamsConfig.STATE_DIR_CONFIG, directory.resolve("hanging").toString());
        settings.put("auto.offset.reset", "earliest");
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
        return settings;
    }

    private static void await(CountDownLatch released) {
        try {
            assertThat(released.await(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
