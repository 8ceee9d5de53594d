package dev.bellwether.simulation.operator;

import dev.bellwether.event.DeadLetter;
import dev.bellwether.event.Event;
import dev.bellwether.topic.Topic;
import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/** The records that the feedback stream put aside, on the brokers that it runs on. */
public final class DeadLetters {
    private static final Duration POLL = Duration.ofMillis(200);
    private static final Duration LIMIT = Duration.ofSeconds(30);

    /** What can be sent once more; the others are between the stream's own steps. */
    private static final List<Topic<? extends Event>> INPUTS =
            List.of(Topics.INTERACTIONS, Topics.FEEDBACK, Topics.ERASURES, Topics.ROLLOUT_COMMANDS);

    private final String kafka;

    public DeadLetters(String kafka) {
        this.kafka = kafka;
    }

    /**
     * One of them.
     *
     * @param key as it came, none if it had none
     * @param time when it was put aside, in milliseconds since 1970
     */
    public record Letter(byte @Nullable [] key, DeadLetter about, long time) {
        /** Whether it came in from outside the stream, so that it can be sent once more. */
        public boolean replayable() {
            return INPUTS.stream().anyMatch(topic -> topic.name().equals(about.topic()));
        }
    }

    /** All that are kept, oldest first. */
    public List<Letter> list() throws IOException {
        List<Letter> letters = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
            List<TopicPartition> partitions = Topics.DEAD_LETTERS.partitions(consumer);
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                    letters.add(letter(record));
                }
            }
        } catch (KafkaException e) {
            throw new IOException("Kafka at %s does not answer: %s".formatted(kafka, e.getMessage()), e);
        }
        letters.sort((one, other) -> Long.compare(one.time(), other.time()));
        return letters;
    }

    private static Letter letter(ConsumerRecord<byte[], byte[]> record) {
        DeadLetter about;
        try {
            about = Topics.DEAD_LETTERS.valueSerde().deserializer().deserialize(record.topic(), record.value());
        } catch (SerializationException e) {
            about = DeadLetter.of(
                    record.topic(),
                    record.partition(),
                    record.offset(),
                    record.value(),
                    "a letter that cannot be read");
        }
        return new Letter(record.key(), about, record.timestamp());
    }

    /** Sends the letters' records to their topics once more; those that can be. */
    public void replay(List<Letter> letters) throws IOException {
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                Map.of(
                        ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                        kafka,
                        ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
                        2 * Topics.RECORD_BYTES_MAX),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            for (Letter letter : letters) {
                producer.send(new ProducerRecord<>(letter.about().topic(), letter.key(), record(letter.about())))
                        .get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            }
        } catch (ExecutionException | TimeoutException | KafkaException e) {
            throw new IOException("a record could not be sent: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    /** As it came: from the letter, or of a long one from where it was. */
    private byte[] record(DeadLetter about) throws IOException {
        byte[] kept = Base64.getDecoder().decode(about.record());
        Long bytes = about.bytes();
        if (bytes == null || bytes <= kept.length) {
            return kept;
        }
        TopicPartition partition = new TopicPartition(about.topic(), about.partition());
        try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
            consumer.assign(List.of(partition));
            consumer.seek(partition, about.offset());
            long end = System.nanoTime() + LIMIT.toNanos();
            while (System.nanoTime() < end) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                    if (record.offset() == about.offset()) {
                        return record.value();
                    }
                }
            }
        }
        throw new IOException("record %d of %s is not there any more".formatted(about.offset(), partition));
    }

    private KafkaConsumer<byte[], byte[]> consumer() {
        return new KafkaConsumer<>(
                Map.of(
                        ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                        kafka,
                        ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                        "read_committed",
                        ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
                        "none"),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer());
    }
}
