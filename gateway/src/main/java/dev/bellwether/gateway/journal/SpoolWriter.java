package dev.bellwether.gateway.journal;

import dev.bellwether.gateway.journal.Spool.Row;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes to the spool on a thread of its own: what comes while the disk is busy is committed together. */
final class SpoolWriter implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SpoolWriter.class);
    private static final int TOGETHER_MAX = 2_000;
    private static final int WAITING_MAX = 50_000;
    private static final long WAITING_BYTES_MAX = 64L << 20;
    private static final Duration TRY_AGAIN = Duration.ofSeconds(1);
    private static final double ALERT_AT = .8;
    private static final Duration END = Duration.ofSeconds(10);

    private final Spool spool;
    private final BlockingQueue<Work> waiting = new LinkedBlockingQueue<>(WAITING_MAX);
    private final AtomicLong waitingBytes = new AtomicLong();
    private final Thread thread = Thread.ofPlatform().name("spool").daemon().unstarted(this::run);
    private boolean closed;
    private long triedNanos = System.nanoTime();
    private volatile boolean closing;
    private volatile long bytes;
    private volatile boolean alerted;

    /** A row to take in, or the id of one to take out. */
    private record Work(@Nullable Row in, long out, Promise<Void> done) {}

    SpoolWriter(Spool spool) {
        this.spool = spool;
        this.closed = !spool.open();
        this.alerted = closed;
        thread.start();
    }

    /** Succeeds when the row is on the disk. */
    Future<Void> append(Row row) {
        if (waitingBytes.addAndGet(row.value().length) > WAITING_BYTES_MAX) {
            waitingBytes.addAndGet(-row.value().length);
            return Future.failedFuture("too much waits for the spool's disk");
        }
        Work work = new Work(row, 0, Promise.promise());
        if (closing || !waiting.offer(work)) {
            waitingBytes.addAndGet(-row.value().length);
            return Future.failedFuture("too much waits for the spool's disk");
        }
        return work.done().future();
    }

    /** What is in Kafka need not be here; where this fails it is sent once more, which is as one. */
    Future<Void> delete(long id) {
        Work work = new Work(null, id, Promise.promise());
        return waiting.offer(work) ? work.done().future() : Future.failedFuture("too much waits for the spool's disk");
    }

    /** Of the spool, when something was written last. */
    long bytes() {
        return bytes;
    }

    /** Whether it is nearly full, or took nothing when it was written last. */
    boolean alerted() {
        return alerted;
    }

    private void run() {
        List<Work> together = new ArrayList<>();
        while (!closing || !waiting.isEmpty()) {
            try {
                Work first = waiting.poll(200, TimeUnit.MILLISECONDS);
                open();
                if (first != null) {
                    together.add(first);
                    waiting.drainTo(together, TOGETHER_MAX - 1);
                    commit(together);
                }
            } catch (InterruptedException e) {
                return;
            } finally {
                together.clear();
            }
        }
    }

    /** A spool that could not be opened is tried again after a while. */
    private void open() {
        if (closed && System.nanoTime() - triedNanos > TRY_AGAIN.toNanos()) {
            closed = !spool.open();
            triedNanos = System.nanoTime();
            if (!closed) {
                LOG.info("the spool is open now");
                alert();
            }
        }
    }

    private void commit(List<Work> together) {
        List<Row> in = new ArrayList<>();
        Set<Long> out = new HashSet<>();
        for (Work work : together) {
            if (work.in() == null) {
                out.add(work.out());
            } else {
                in.add(work.in());
                waitingBytes.addAndGet(-work.in().value().length);
            }
        }
        // What comes and goes together need not touch the disk; a row goes after it came.
        List<Long> never = in.stream().map(Row::id).filter(out::contains).toList();
        in.removeIf(row -> never.contains(row.id()));
        never.forEach(out::remove);
        try {
            if (!in.isEmpty() || !out.isEmpty()) {
                spool.write(in, out);
            }
            together.forEach(work -> work.done().complete());
            weigh();
        } catch (SQLException | RuntimeException | Error e) {
            alerted = true;
            LOG.warn("{} records could not be spooled: {}", in.size(), e.getMessage());
            together.forEach(work -> work.done().fail(e));
            makeRoom(out);
        }
    }

    private void weigh() {
        try {
            bytes = spool.bytes();
            alert();
        } catch (SQLException e) {
            LOG.warn("how full the spool is cannot be read: {}", e.getMessage());
        }
    }

    /** What could not come in must not keep in what goes. */
    private void makeRoom(Set<Long> out) {
        try {
            spool.write(List.of(), out);
        } catch (SQLException e) {
            LOG.warn("{} records stay in the spool for now: {}", out.size(), e.getMessage());
        }
    }

    private void alert() {
        boolean high = bytes > ALERT_AT * spool.bytesMax();
        if (high && !alerted) {
            LOG.error(
                    "the spool is at {} of {} bytes: when it is full, judgements are refused; bring Kafka back, or give it"
                            + " more by BELLWETHER_SPOOL_MAX",
                    bytes,
                    spool.bytesMax());
        }
        alerted = high;
    }

    @Override
    public void close() {
        closing = true;
        try {
            thread.join(END);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
