package dev.bellwether.gateway.journal;

import dev.bellwether.gateway.journal.Spool.Row;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongPredicate;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Brings what was spooled to Kafka in the order in which it came, on a thread of its own; a row goes once it is there. */
final class SpoolDrain implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SpoolDrain.class);
    private static final int TOGETHER_MAX = 500;
    private static final Duration LOOK_EVERY = Duration.ofMillis(200);
    private static final Duration TRY_AGAIN = Duration.ofSeconds(1);

    private final Spool spool;
    private final SpoolWriter writer;
    private final KafkaSender kafka;
    private final LongPredicate underWay;
    private final Thread thread =
            Thread.ofPlatform().name("spool-drain").daemon().unstarted(this::run);
    private volatile boolean closing;

    /** @param underWay whether a row's record is being sent by who spooled it */
    SpoolDrain(Spool spool, SpoolWriter writer, KafkaSender kafka, LongPredicate underWay) {
        this.spool = spool;
        this.writer = writer;
        this.kafka = kafka;
        this.underWay = underWay;
        thread.start();
    }

    private void run() {
        boolean quiet = false;
        while (!closing) {
            try {
                if (spool.rows() == 0) {
                    if (quiet) {
                        spool.clean();
                    }
                    quiet = true;
                    Thread.sleep(LOOK_EVERY);
                    continue;
                }
                quiet = false;
                if (!drain()) {
                    Thread.sleep(TRY_AGAIN);
                }
            } catch (InterruptedException e) {
                return;
            } catch (SQLException | RuntimeException e) {
                LOG.warn("the spool cannot be drained now: {}", e.getMessage());
                pause();
            }
        }
    }

    private void pause() {
        try {
            Thread.sleep(TRY_AGAIN);
        } catch (InterruptedException e) {
            closing = true;
        }
    }

    /** Whether some rows are in Kafka now. */
    private boolean drain() throws SQLException, InterruptedException {
        List<Row> rows = spool.oldest(0, TOGETHER_MAX).stream()
                .filter(row -> !underWay.test(row.id()))
                .toList();
        AtomicInteger delivered = new AtomicInteger();
        List<Long> refused = new CopyOnWriteArrayList<>();
        CountDownLatch answered = new CountDownLatch(rows.size());
        for (Row row : rows) {
            kafka.send(row.topic(), row.key(), row.value(), failed -> {
                if (failed == null) {
                    delivered.incrementAndGet();
                    // So that no row is read again before it is gone.
                    writer.delete(row.id()).onComplete(_ -> answered.countDown());
                } else if (failed instanceof RecordTooLargeException) {
                    refused.add(row.id());
                    answered.countDown();
                } else {
                    answered.countDown();
                }
            });
        }
        boolean all = answered.await(2 * KafkaSender.DELIVERY_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
        if (!refused.isEmpty()) {
            // They would never be taken, and in time there would be nothing else.
            LOG.error(
                    "{} records of the spool are larger than Kafka takes; they are kept in its table 'damaged'",
                    refused.size());
            spool.putAside(refused);
        }
        if (delivered.get() > 0) {
            LOG.info("{} records of the spool are in Kafka", delivered);
        }
        return all && delivered.get() + refused.size() > 0;
    }

    @Override
    public void close() {
        closing = true;
        thread.interrupt();
        try {
            thread.join(Duration.ofSeconds(2));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
