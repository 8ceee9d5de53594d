package dev.bellwether.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalKafkaIT {
    @TempDir
    private Path directory;

    @Test
    void keepsWhatWasAcknowledgedThroughAKillAndTakesTransactions() throws Exception {
        try (LocalKafka kafka = LocalKafka.start(directory.resolve("donn\u00e9es et plus"))) {
            createTopic(kafka, "events");
            send(kafka, "events", "first");
            long killed = kafka.pid();
            kafka.kill();
            assertThat(ProcessHandle.of(killed).filter(ProcessHandle::isAlive)).isEmpty();

            kafka.restart();
            send(kafka, "events", "second");
            sendInTransaction(kafka, "events", "third", "fourth");
            assertThat(read(kafka, "events", 4)).containsExactly("first", "second", "third", "fourth");
        }
    }

    private static void createTopic(LocalKafka kafka, String name) throws Exception {
        try (var admin = Admin.create(Map.<String, Object>of("bootstrap.servers", kafka.bootstrapServers()))) {
            admin.createTopics(List.of(new NewTopic(name, 1, (short) 1))).all().get(30, TimeUnit.SECONDS);
        }
    }

    private static void send(LocalKafka kafka, String topic, String value) throws Exception {
        try (var producer = producer(kafka, Map.of("acks", "all"))) {
            producer.send(new ProducerRecord<>(topic, value)).get(30, TimeUnit.SECONDS);
        }
    }

    private static void sendInTransaction(LocalKafka kafka, String topic, String... values) throws Exception {
        try (var producer = producer(kafka, Map.of("transactional.id", "writer"))) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(topic, "never seen")).get(30, TimeUnit.SECONDS);
            producer.abortTransaction();
            producer.beginTransaction();
            for (String value : values) {
                producer.send(new ProducerRecord<>(topic, value)).get(30, TimeUnit.SECONDS);
            }
            producer.commitTransaction();
        }
    }

    private static KafkaProducer<String, String> producer(LocalKafka kafka, Map<String, String> more) {
        Map<String, Object> settings = new HashMap<>(more);
        settings.put("bootstrap.servers", kafka.bootstrapServers());
        return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    }

    /** Reads through a new consumer group, so that the internal topic of offsets is used as well. */
    private static List<String> read(LocalKafka kafka, String topic, int count) {
        Map<String, Object> settings = Map.of(
                "bootstrap.servers",
                kafka.bootstrapServers(),
                "group.id",
                "reader-" + System.nanoTime(),
                "auto.offset.reset",
                "earliest",
                "isolation.level",
                "read_committed");
        List<String> values = new ArrayList<>();
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(topic));
            Await.until(Duration.ofSeconds(30), Duration.ZERO, () -> {
                consumer.poll(Duration.ofMillis(100)).forEach(record -> values.add(record.value()));
                return values.size() >= count;
            });
            consumer.commitSync();
        }
        return values;
    }
}
