package dev.bellwether.simulation.benchmark;

import dev.bellwether.topic.Topics;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The floor of {@code bench stream}, a program of its own: reads what the stream reads and writes each record as it is to
 * one topic, in transactions that are as long as the stream's, by as many threads.
 */
final class BareLoop {
    static final String TOPIC = "bare-loop";
    static final String GROUP = "bare-loop";
    private static final Duration COMMIT_EVERY = Duration.ofMillis(100);

    private BareLoop() {}

    /** @param arguments bootstrap servers and threads */
    public static void main(String[] arguments) {
        for (int i = 0; i < Integer.parseInt(arguments[1]); i++) {
            int number = i;
            Thread.ofPlatform().start(() -> copy(arguments[0], number));
        }
    }

    private static void copy(String kafka, int number) {
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                        Map.of(
                                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                                kafka,
                                ConsumerConfig.GROUP_ID_CONFIG,
                                GROUP,
                                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
                                "earliest",
                                ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                                "read_committed",
                                ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
                                false),
                        new ByteArrayDeserializer(),
                        new ByteArrayDeserializer());
                KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                        Map.of(
                                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                                kafka,
                                ProducerConfig.TRANSACTIONAL_ID_CONFIG,
                                "bare-loop-" + number,
                                ProducerConfig.LINGER_MS_CONFIG,
                                100),
                        new ByteArraySerializer(),
                        new ByteArraySerializer())) {
            producer.initTransactions();
            consumer.subscribe(List.of(Topics.INTERACTIONS.name(), Topics.FEEDBACK.name()));
            while (true) {
                transact(consumer, producer);
            }
        }
    }

    private static void transact(KafkaConsumer<byte[], byte[]> consumer, KafkaProducer<byte[], byte[]> producer) {
        Map<TopicPartition, OffsetAndMetadata> read = new HashMap<>();
        long start = System.nanoTime();
        boolean begun = false;
        while (System.nanoTime() - start < COMMIT_EVERY.toNanos()) {
            for (var record : consumer.poll(Duration.ofMillis(10))) {
                if (!begun) {
                    producer.beginTransaction();
                    begun = true;
                }
                var _ = producer.send(new ProducerRecord<>(TOPIC, record.key(), record.value()));
                read.put(
                        new TopicPartition(record.topic(), record.partition()),
                        new OffsetAndMetadata(record.offset() + 1));
            }
        }
        if (begun) {
            producer.sendOffsetsToTransaction(read, consumer.groupMetadata());
            producer.commitTransaction();
        }
    }
}
