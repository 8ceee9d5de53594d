package dev.bellwether.gateway.journal;

import dev.bellwether.event.Event;
import dev.bellwether.gateway.http.EventLoop;
import dev.bellwether.topic.Topic;
import dev.bellwether.topic.Topics;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.jspecify.annotations.Nullable;

/**
 * Writes events to Kafka; an event counts as written once all in-sync replicas have it.
 *
 * <p>Kafka's {@code send} may wait for metadata, so it runs on threads of its own with bounded queues, never on an event
 * loop. The producer is made there, too, and made again where that failed: a broker whose name does not resolve yet
 * keeps no gateway from starting.
 */
public final class EventJournal implements AutoCloseable {
    private static final int QUEUE_MAX = 20_000;
    private static final Duration DELIVERY_TIMEOUT = Duration.ofSeconds(8);
    private static final Duration TRY_AGAIN = Duration.ofSeconds(1);

    private static final long QUEUED_BYTES_MAX = 64L << 20;

    private final String bootstrapServers;

    /** Chats are many and large; what they wait for, judgements and commands do not. */
    private final ThreadPoolExecutor interactions = sender("journal-interactions");

    private final ThreadPoolExecutor others = sender("journal");
    private final AtomicLong queuedBytes = new AtomicLong();

    /** Made by the first sender's thread that needs it; Kafka's producer is safe for many. */
    private @Nullable KafkaProducer<String, byte[]> producer;

    private @Nullable KafkaException failure;
    private long failedNanos;

    public EventJournal(String bootstrapServers) {
        this.bootstrapServers = bootstrapServers;
    }

    private static ThreadPoolExecutor sender(String name) {
        return new ThreadPoolExecutor(
                1,
                1,
                0,
                TimeUnit.SECONDS,
                new ArrayBlockingQueue<>(QUEUE_MAX),
                Thread.ofPlatform().name(name).daemon().factory());
    }

    /** Writes {@code event}; the future succeeds when it is durable and fails when it may not be. */
    public <E extends Event> Future<Void> append(Topic<E> topic, String key, E event) {
        Promise<Void> promise = Promise.promise();
        byte[] bytes = topic.valueSerde().serializer().serialize(topic.name(), event);
        long queuedNanos = System.nanoTime();
        ThreadPoolExecutor sender = topic.name().equals(Topics.INTERACTIONS.name()) ? interactions : others;
        if (queuedBytes.addAndGet(bytes.length) > QUEUED_BYTES_MAX) {
            queuedBytes.addAndGet(-bytes.length);
            return Future.failedFuture("too much waits to be written");
        }
        try {
            sender.execute(() -> {
                queuedBytes.addAndGet(-bytes.length);
                send(new ProducerRecord<>(topic.name(), key, bytes), queuedNanos, promise);
            });
        } catch (RejectedExecutionException e) {
            queuedBytes.addAndGet(-bytes.length);
            promise.fail(e);
        }
        return EventLoop.here(promise.future());
    }

    /** What has waited for longer than anybody waits for it is not sent any more. */
    private void send(ProducerRecord<String, byte[]> record, long queuedNanos, Promise<Void> promise) {
        if (System.nanoTime() - queuedNanos > DELIVERY_TIMEOUT.toNanos()) {
            promise.fail(new TimeoutException("it waited for longer than %s".formatted(DELIVERY_TIMEOUT)));
            return;
        }
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
    public void close() {
        interactions.shutdown();
        others.shutdown();
        try {
            for (ThreadPoolExecutor sender : List.of(others, interactions)) {
                if (!sender.awaitTermination(DELIVERY_TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
                    sender.shutdownNow();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        synchronized (this) {
            if (producer != null) {
                producer.close(DELIVERY_TIMEOUT);
            }
        }
    }
}
