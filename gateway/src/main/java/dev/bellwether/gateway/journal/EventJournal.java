package dev.bellwether.gateway.journal;

import dev.bellwether.event.Event;
import dev.bellwether.gateway.http.EventLoop;
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
import org.jspecify.annotations.Nullable;

/**
 * Writes events to Kafka; an event counts as written once all in-sync replicas have it.
 *
 * <p>Kafka's {@code send} may wait for metadata, so it runs on a thread of its own with a bounded queue, never on an
 * event loop. The producer is made there, too, and made again where that failed: a broker whose name does not resolve
 * yet keeps no gateway from starting.
 */
public final class EventJournal implements AutoCloseable {
    private static final int QUEUE_MAX = 20_000;
    private static final Duration DELIVERY_TIMEOUT = Duration.ofSeconds(8);
    private static final Duration TRY_AGAIN = Duration.ofSeconds(1);

    private final String bootstrapServers;
    private final ThreadPoolExecutor sender = new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(QUEUE_MAX),
            Thread.ofPlatform().name("journal").daemon().factory());

    /** Only the sender's thread makes and uses it. */
    private @Nullable KafkaProducer<String, byte[]> producer;

    private @Nullable KafkaException failure;
    private long failedNanos;

    public EventJournal(String bootstrapServers) {
        this.bootstrapServers = bootstrapServers;
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
        return EventLoop.here(promise.future());
    }

    private void send(ProducerRecord<String, byte[]> record, Promise<Void> promise) {
        try {
            var _ = producer().send(record, (metadata, failed) -> {
                if (failed == null) {
                    promise.complete();
                } else {
                    promise.fail(failed);
                }
            });
        } catch (KafkaException | IllegalStateException e) {
            promise.fail(e);
        }
    }

    private KafkaProducer<String, byte[]> producer() {
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

    @Override
    public void close() {
        try {
            sender.execute(() -> {
                if (producer != null) {
                    producer.close(DELIVERY_TIMEOUT);
                }
            });
        } catch (RejectedExecutionException e) {
            sender.shutdownNow();
        }
        sender.shutdown();
        try {
            if (!sender.awaitTermination(2 * DELIVERY_TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
                sender.shutdownNow();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
