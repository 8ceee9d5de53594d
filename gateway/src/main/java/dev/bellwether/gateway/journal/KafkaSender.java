package dev.bellwether.gateway.journal;

import dev.bellwether.topic.Topics;
import java.time.Duration;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.jspecify.annotations.Nullable;

/**
 * A producer whose record counts as sent once all in-sync replicas have it.
 *
 * <p>Sending may wait for metadata, so it is for threads that may. The producer is made by the first of them, and made
 * again where that failed: a broker whose name does not resolve yet keeps no gateway from starting.
 */
final class KafkaSender implements AutoCloseable {
    static final Duration DELIVERY_TIMEOUT = Duration.ofSeconds(8);
    private static final Duration TRY_AGAIN = Duration.ofSeconds(1);

    private final String bootstrapServers;

    private @Nullable KafkaProducer<String, byte[]> producer;
    private @Nullable KafkaException failure;
    private long failedNanos;

    KafkaSender(String bootstrapServers) {
        this.bootstrapServers = bootstrapServers;
    }

    /** @param done is told what came of it, on a thread that may not wait */
    void send(String topic, String key, byte[] value, Consumer<@Nullable Exception> done) {
        try {
            var _ = producer().send(new ProducerRecord<>(topic, key, value), (metadata, failed) -> done.accept(failed));
        } catch (KafkaException | IllegalStateException e) {
            done.accept(e);
        }
    }

    private synchronized KafkaProducer<String, byte[]> producer() {
        if (producer != null) {
            return producer;
        }
        if (failure != null && System.nanoTime() - failedNanos < TRY_AGAIN.toNanos()) {
            throw failure;
        }
        try {
            producer = newProducer();
            return producer;
        } catch (KafkaException e) {
            failure = e;
            failedNanos = System.nanoTime();
            throw e;
        }
    }

    private KafkaProducer<String, byte[]> newProducer() {
        return new KafkaProducer<>(
                Map.of(
                        ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                        bootstrapServers,
                        ProducerConfig.ACKS_CONFIG,
                        "all",
                        ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG,
                        true,
                        // One request at a time: what comes meanwhile is the next one's batch, and nothing waits for
                        // more.
                        ProducerConfig.LINGER_MS_CONFIG,
                        0,
                        ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
                        Topics.RECORD_BYTES_MAX,
                        ProducerConfig.MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION,
                        1,
                        ProducerConfig.MAX_BLOCK_MS_CONFIG,
                        2_000,
                        ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG,
                        4_000,
                        ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
                        (int) DELIVERY_TIMEOUT.toMillis()),
                new StringSerializer(),
                new ByteArraySerializer());
    }

    @Override
    public synchronized void close() {
        if (producer != null) {
            producer.close(DELIVERY_TIMEOUT);
        }
    }
}
