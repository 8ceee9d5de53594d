package dev.bellwether.gateway.journal;

import dev.bellwether.event.Event;
import dev.bellwether.gateway.http.EventLoop;
import dev.bellwether.topic.Topic;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Writes what operators ask for, on a connection of its own: no chat and no judgement stands in front of an abort. It is
 * not spooled: a command that comes hours later would be another one.
 */
public final class CommandJournal implements AutoCloseable {
    private static final int QUEUE_MAX = 1_000;

    private final KafkaSender kafka;
    private final ThreadPoolExecutor sender = new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(QUEUE_MAX),
            Thread.ofPlatform().name("journal-commands").daemon().factory());

    public CommandJournal(String bootstrapServers) {
        this.kafka = new KafkaSender(bootstrapServers);
    }

    /** The future succeeds when the command is durable; when it fails, it may be all the same. */
    public <E extends Event> Future<Void> append(Topic<E> topic, String key, E event) {
        Promise<Void> promise = Promise.promise();
        byte[] bytes = topic.valueSerde().serializer().serialize(topic.name(), event);
        long queuedNanos = System.nanoTime();
        try {
            sender.execute(() -> {
                if (System.nanoTime() - queuedNanos > KafkaSender.DELIVERY_TIMEOUT.toNanos()) {
                    promise.fail(new TimeoutException("Kafka is away"));
                    return;
                }
                kafka.send(topic.name(), key, bytes, failed -> {
                    if (failed == null) {
                        promise.complete();
                    } else {
                        promise.fail(failed);
                    }
                });
            });
        } catch (RejectedExecutionException e) {
            promise.fail(e);
        }
        return EventLoop.here(promise.future());
    }

    @Override
    public void close() {
        sender.shutdown();
        try {
            if (!sender.awaitTermination(KafkaSender.DELIVERY_TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
                sender.shutdownNow();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        kafka.close();
    }
}
