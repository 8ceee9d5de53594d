package dev.bellwether.trainer.refresh;

import dev.bellwether.event.Event;
import dev.bellwether.topic.Topic;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * The right to speak for a bot's refresh. Who takes it takes it from whoever had it: the broker refuses what that one still
 * announces, though it may not have noticed, as after a pause or a rebalance that it missed.
 */
final class Lease implements AutoCloseable {
    private final String bot;
    private final KafkaProducer<String, byte[]> producer;

    /** One record to announce. */
    record Announcement(String topic, String key, byte[] value) {
        static <E extends Event> Announcement of(Topic<E> topic, String key, E event) {
            return new Announcement(
                    topic.name(), key, topic.valueSerde().serializer().serialize(topic.name(), event));
        }
    }

    private Lease(String bot, KafkaProducer<String, byte[]> producer) {
        this.bot = bot;
        this.producer = producer;
    }

    /** Takes the lease of {@code bot}. */
    static Lease take(String kafka, String bot) throws IOException {
        KafkaProducer<String, byte[]> producer = new KafkaProducer<>(
                Map.of(
                        ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                        kafka,
                        ProducerConfig.TRANSACTIONAL_ID_CONFIG,
                        "trainer-" + bot),
                new StringSerializer(),
                new ByteArraySerializer());
        try {
            producer.initTransactions();
            return new Lease(bot, producer);
        } catch (KafkaException e) {
            producer.close();
            throw new IOException("Kafka does not give the lease of %s: %s".formatted(bot, e.getMessage()), e);
        }
    }

    /**
     * Announces all of {@code records} or none.
     *
     * @throws LeaseLostException when another trainer has the lease by now
     */
    void announce(List<Announcement> records) throws IOException {
        try {
            producer.beginTransaction();
            records.forEach(record -> {
                var _ = producer.send(new ProducerRecord<>(record.topic(), record.key(), record.value()));
            });
            producer.commitTransaction();
        } catch (ProducerFencedException | InvalidProducerEpochException | FencedInstanceIdException e) {
            throw new LeaseLostException(bot, e);
        } catch (KafkaException e) {
            if (e.getCause() instanceof ProducerFencedException
                    || e.getCause() instanceof InvalidProducerEpochException) {
                throw new LeaseLostException(bot, e);
            }
            producer.abortTransaction();
            throw new IOException("Kafka did not take the records: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        producer.close();
    }
}
