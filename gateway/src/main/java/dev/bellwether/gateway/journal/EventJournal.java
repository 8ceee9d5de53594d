package dev.bellwether.gateway.journal;

import dev.bellwether.event.Event;
import dev.bellwether.topic.Topic;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Writes events to Kafka; an event counts as written once all in-sync replicas have it.
 *
 * <p>Kafka's {@code send} may wait for metadata, so it runs on a thread of its own with a bounded queue, never on an
 * event loop.
 */
public final class EventJournal implements AutoCloseable {
    private static final int QUEUE_MAX = 20_000;
    private static final Duration DELIVERY_TIMEOUT = Duration.ofSeconds(8);

    private final KafkaProducer<String, byte[]> producer;
    private final ThreadPoolExecutor sender = new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(QUEUE_MAX),
            Thread.ofPlatform().name("journal").daemon().factory());

    public EventJournal(String bootstrapServers) {
        this.producer = new KafkaProducer<>(
                Map.of(
                        ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                        bootstrapServers,
                        ProducerConfig.ACKS_CONFIG,
                        "all",
                        ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG,
                        true,
                        ProducerConfig.LINGER_MS_CONFIG,
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

    /** Writes {@code event}; the future succeeds when it is durable and fails when it may not be. */
    public <E extends Event> Future<Void> append(Topic<E> topic, String key, E event) {
        Promise<Void> promise = Promise.promise();
        byte[] bytes = topic.valueSerde().serializer().serialize(topic.name(), event);
        try {
            sender.execute(() -> send(new ProducerRecord<>(topic.name(), key, bytes), promise));
        } catch (RejectedExecutionException e) {
            promise.fail(e);
        }
        return promise.future();
    }

    private void send(ProducerRecord<String, byte[]> record, Promise<Void> promise) {
        try {
            var _ = producer.send(record, (metadata, failure) -> {
                if (failure == null) {
                    promise.complete();
                } else {
                    promise.fail(failure);
                }
            });
        } catch (KafkaException | IllegalStateException e) {
            promise.fail(e);
        }
    }

    @Override
    public void close() {
        sender.shutdown();
        try {
            if (!sender.awaitTermination(DELIVERY_TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
                sender.shutdownNow();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        producer.close(DELIVERY_TIMEOUT);
    }
}
