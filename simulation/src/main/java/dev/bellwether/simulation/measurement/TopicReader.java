package dev.bellwether.simulation.measurement;

import dev.bellwether.event.Event;
import dev.bellwether.topic.Topic;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads a topic from its beginning to its end, committed records only. */
public final class TopicReader {
    private static final Logger LOG = LoggerFactory.getLogger(TopicReader.class);
    private static final Duration POLL = Duration.ofMillis(200);

    private final String kafka;
    private final Duration limit;

    /**
     * A reader of the brokers {@code kafka}, as {@code host:port}.
     *
     * @param limit the longest that reading one topic may take
     */
    public TopicReader(String kafka, Duration limit) {
        this.kafka = kafka;
        this.limit = limit;
    }

    /** Takes the records of a topic; the value is null where a key was deleted. */
    @FunctionalInterface
    public interface Sink<V extends Event> {
        void take(String key, @Nullable V value);
    }

    /** All records that there are now, deletions left out, in the order of each partition. */
    public <V extends Event> List<V> all(Topic<V> topic) throws IOException {
        List<V> values = new ArrayList<>();
        read(
                topic,
                (key, value) -> {
                    if (value != null) {
                        values.add(value);
                    }
                },
                () -> true,
                limit);
        return values;
    }

    /** The latest record of each key. */
    public <V extends Event> Map<String, V> latest(Topic<V> topic) throws IOException {
        Map<String, V> values = new LinkedHashMap<>();
        read(topic, (key, value) -> put(values, key, value), () -> true, limit);
        return values;
    }

    static <V> void put(Map<String, V> values, String key, @Nullable V value) {
        if (value == null) {
            values.remove(key);
        } else {
            values.put(key, value);
        }
    }

    /**
     * Reads to the end of the topic as it is now, and on until {@code enough} says so or {@code patience} is over.
     *
     * @throws IOException when the end is not reached within the reader's limit
     */
    public <V extends Event> void read(Topic<V> topic, Sink<V> sink, BooleanSupplier enough, Duration patience)
            throws IOException {
        long start = System.nanoTime();
        try (KafkaConsumer<String, byte[]> consumer = consumer()) {
            List<TopicPartition> partitions = new ArrayList<>();
            for (PartitionInfo info : consumer.partitionsFor(topic.name(), limit)) {
                partitions.add(new TopicPartition(info.topic(), info.partition()));
            }
            if (partitions.isEmpty()) {
                throw new IOException("Kafka at %s has no topic '%s'".formatted(kafka, topic.name()));
            }
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions, limit);
            boolean ended = false;
            while (!ended || !(enough.getAsBoolean() || past(start, patience))) {
                if (!ended && past(start, limit)) {
                    throw new IOException("topic '%s' could not be read to its end within %d s"
                            .formatted(topic.name(), limit.toSeconds()));
                }
                consumer.poll(POLL).forEach(record -> take(topic, record, sink));
                ended = ended
                        || ends.entrySet().stream()
                                .allMatch(end -> consumer.position(end.getKey(), limit) >= end.getValue());
            }
        } catch (KafkaException e) {
            throw new IOException("Kafka at %s cannot be read: %s".formatted(kafka, e.getMessage()), e);
        }
    }

    private static boolean past(long startNanos, Duration limit) {
        return System.nanoTime() - startNanos > limit.toNanos();
    }

    private static <V extends Event> void take(Topic<V> topic, ConsumerRecord<String, byte[]> record, Sink<V> sink) {
        try {
            V value = record.value() == null
                    ? null
                    : topic.valueSerde().deserializer().deserialize(topic.name(), record.value());
            sink.take(record.key(), value);
        } catch (KafkaException e) {
            LOG.warn(
                    "{} {} at {} is passed over: {}",
                    topic.name(),
                    record.partition(),
                    record.offset(),
                    e.getMessage());
        }
    }

    private KafkaConsumer<String, byte[]> consumer() {
        return new KafkaConsumer<>(
                Map.of(
                        ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                        kafka,
                        ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                        "read_committed",
                        ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG,
                        false,
                        ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
                        false),
                new StringDeserializer(),
                new ByteArrayDeserializer());
    }
}
