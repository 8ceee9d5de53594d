package dev.bellwether.gateway.journal;

import dev.bellwether.event.Event;
import dev.bellwether.gateway.http.EventLoop;
import dev.bellwether.gateway.journal.Spool.Row;
import dev.bellwether.gateway.limits.Breakers;
import dev.bellwether.topic.Topic;
import dev.bellwether.topic.Topics;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.util.HashedWheelTimer;
import io.netty.util.Timeout;
import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Makes interactions and judgements durable: in Kafka, or where its acknowledgement takes longer than 50 ms, or cannot come,
 * in a spool on this gateway's disk, from which they go to Kafka when it is back.
 *
 * <p>Kafka's {@code send} may wait for metadata, so it runs on threads of its own with bounded queues, never on an event
 * loop. A record may be sent twice, by who spooled it and by who drains the spool; the stream takes it once, by its id.
 */
public final class EventJournal implements AutoCloseable {
    private static final Duration ACKNOWLEDGED_WITHIN = Duration.ofMillis(50);

    /** How long Kafka has once the spool has refused a record. */
    private static final Duration LAST_CHANCE = Duration.ofMillis(150);

    /** With what Kafka puts around it a record is within what topics take. */
    private static final int RECORD_BYTES_MAX = Topics.RECORD_BYTES_MAX - (1 << 10);

    private static final int QUEUE_MAX = 20_000;
    private static final long QUEUED_BYTES_MAX = 64L << 20;

    private final Clock clock;
    private final KafkaSender kafka;
    private final Spool spool;
    private final SpoolWriter writer;
    private final SpoolDrain drain;

    /** Chats are many and large; what they wait for, judgements do not. */
    private final ThreadPoolExecutor interactions = sender("journal-interactions");

    private final ThreadPoolExecutor judgements = sender("journal-judgements");
    private final HashedWheelTimer timer = new HashedWheelTimer(
            Thread.ofPlatform().name("journal-timer").daemon().factory(), 5, TimeUnit.MILLISECONDS);
    private final AtomicLong queuedBytes = new AtomicLong();

    /** Rows whose records are being sent by who spooled them. */
    private final Set<Long> underWay = ConcurrentHashMap.newKeySet();

    private final CircuitBreaker breaker = Breakers.of("kafka");

    /**
     * @param folder of the spool
     * @param spoolBytesMax of the spool's file
     */
    public EventJournal(String bootstrapServers, Path folder, long spoolBytesMax, MeterRegistry meters, Clock clock) {
        this.clock = clock;
        this.kafka = new KafkaSender(bootstrapServers);
        this.spool = Spool.open(folder.resolve("spool.db"), spoolBytesMax);
        this.writer = new SpoolWriter(spool);
        this.drain = new SpoolDrain(spool, writer, kafka, underWay::contains);
        meters.gauge("bellwether.spool.rows", spool, Spool::rows);
        meters.gauge("bellwether.spool.bytes", writer, SpoolWriter::bytes);
        meters.gauge("bellwether.spool.damaged", spool, Spool::damaged);
        meters.gauge("bellwether.spool.alert", writer, each -> each.alerted() ? 1 : 0);
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

    /** Records that wait on the disk for Kafka. */
    public long spooled() {
        return spool.rows();
    }

    /**
     * Writes {@code event}; the future succeeds when it is durable.
     *
     * <p>It fails with {@link NotDurableException}, which says whether the record may be there all the same.
     */
    public <E extends Event> Future<Void> append(Topic<E> topic, String key, E event) {
        byte[] bytes = topic.valueSerde().serializer().serialize(topic.name(), event);
        if (bytes.length + key.length() > RECORD_BYTES_MAX) {
            return Future.failedFuture(new NotDurableException(
                    "%d bytes are more than a record of %s may have".formatted(bytes.length, topic.name()), false));
        }
        Delivery delivery = new Delivery(topic.name(), key, bytes);
        if (breaker.tryAcquirePermission()) {
            delivery.begin();
        } else {
            delivery.unsent();
        }
        return EventLoop.here(delivery.durable.future());
    }

    /** One record on its way, which others than its sender look after, too. */
    private final class Delivery {
        private final String topic;
        private final String key;
        private final byte[] value;
        private final Promise<Void> durable = Promise.promise();
        private final long startNanos = System.nanoTime();
        private boolean judged;
        private boolean acknowledged;

        /** Whether nobody sends it, or tries no more. */
        private boolean unsent;

        private boolean spoolFailed;

        /** Whether Kafka was given it. */
        private boolean sent;

        /** Its row in the spool; 0 while it is not there. */
        private long row;

        private @Nullable Timeout timeout;

        private Delivery(String topic, String key, byte[] value) {
            this.topic = topic;
            this.key = key;
            this.value = value;
        }

        synchronized void begin() {
            timeout = timer.newTimeout(_ -> late(), ACKNOWLEDGED_WITHIN.toMillis(), TimeUnit.MILLISECONDS);
            if (queuedBytes.addAndGet(value.length) > QUEUED_BYTES_MAX) {
                queuedBytes.addAndGet(-value.length);
                unsent();
                return;
            }
            try {
                (topic.equals(Topics.INTERACTIONS.name()) ? interactions : judgements).execute(() -> {
                    queuedBytes.addAndGet(-value.length);
                    send();
                });
            } catch (RejectedExecutionException e) {
                queuedBytes.addAndGet(-value.length);
                unsent();
            }
        }

        /** What is spooled by now the drain sends. */
        private void send() {
            synchronized (this) {
                if (row != 0) {
                    unsent();
                    return;
                }
                sent = true;
            }
            kafka.send(topic, key, value, failed -> {
                if (failed == null) {
                    acknowledged();
                } else {
                    unsent();
                }
            });
        }

        private synchronized void acknowledged() {
            acknowledged = true;
            judge(true);
            durable.tryComplete();
            if (row != 0 && !spoolFailed) {
                underWay.remove(row);
                var _ = writer.delete(row);
            }
        }

        synchronized void unsent() {
            unsent = true;
            judge(false);
            underWay.remove(row);
            spool();
            end();
        }

        private synchronized void late() {
            if (!acknowledged) {
                judge(false);
                spool();
            }
        }

        /** What the breaker hears, once for each record that it let through: whether its acknowledgement came in time. */
        private void judge(boolean inTime) {
            if (timeout == null || judged) {
                return;
            }
            judged = true;
            timeout.cancel();
            long took = System.nanoTime() - startNanos;
            if (inTime) {
                breaker.onSuccess(took, TimeUnit.NANOSECONDS);
            } else {
                breaker.onError(took, TimeUnit.NANOSECONDS, new TimeoutException());
            }
        }

        private void spool() {
            if (row != 0) {
                return;
            }
            row = spool.id();
            if (!unsent) {
                underWay.add(row);
            }
            writer.append(new Row(row, topic, key, value, clock.millis())).onComplete(this::spooled);
        }

        private synchronized void spooled(AsyncResult<Void> done) {
            if (done.succeeded()) {
                durable.tryComplete();
            } else {
                spoolFailed = true;
                end();
                timer.newTimeout(
                        _ -> fail("Kafka is late, and the spool does not take it"),
                        LAST_CHANCE.toMillis(),
                        TimeUnit.MILLISECONDS);
            }
        }

        /** Neither way is left. */
        private void end() {
            if (unsent && spoolFailed) {
                fail("neither Kafka nor the spool takes it");
            }
        }

        private synchronized void fail(String why) {
            durable.tryFail(new NotDurableException(why, sent));
        }
    }

    @Override
    public void close() {
        for (ThreadPoolExecutor sender : List.of(judgements, interactions)) {
            sender.shutdown();
        }
        try {
            for (ThreadPoolExecutor sender : List.of(judgements, interactions)) {
                if (!sender.awaitTermination(KafkaSender.DELIVERY_TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
                    sender.shutdownNow();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        drain.close();
        kafka.close();
        writer.close();
        timer.stop();
        spool.close();
    }
}
