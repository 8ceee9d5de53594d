package dev.bellwether.simulation.benchmark;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Sends one request again and again over connections that stay open, on one thread: in a closed loop, each connection
 * as fast as it is answered; or in an open one, at a rate that no slow answer holds back, every latency counted from the
 * moment at which the request was meant to leave.
 *
 * @see <a href="https://hdrhistogram.github.io/HdrHistogram/">HdrHistogram, on coordinated omission</a>
 */
final class LoadGenerator {
    private static final int RESPONSE_BYTES_MAX = 64 << 10;
    private static final long LONGEST_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final int port;
    private final ByteBuffer request;
    private final String wanted;

    /**
     * @param wanted what every good answer contains, beside a status of success
     */
    LoadGenerator(int port, String path, Map<String, String> headers, String body, String wanted) {
        this.port = port;
        this.wanted = wanted;
        StringBuilder text = new StringBuilder("POST " + path + " HTTP/1.1\r\nhost: 127.0.0.1\r\n");
        headers.forEach((name, value) -> text.append("%s: %s\r\n".formatted(name, value)));
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        text.append("content-type: application/json\r\ncontent-length: %d\r\n\r\n".formatted(bytes.length));
        byte[] head = text.toString().getBytes(StandardCharsets.UTF_8);
        this.request = ByteBuffer.allocateDirect(head.length + bytes.length)
                .put(head)
                .put(bytes)
                .flip();
    }

    /**
     * What came of it.
     *
     * @param latency in nanoseconds, of the good answers to what was meant to leave in that time
     * @param good answers that came in that time
     * @param refused answers of 429 that came in that time
     * @param bad answers of another status, or without what was wanted, whenever they came
     */
    record Result(Histogram latency, long good, long refused, long bad, Duration took) {
        double perSecond() {
            return good / (took.toNanos() / 1e9);
        }

        double refusedPerSecond() {
            return refused / (took.toNanos() / 1e9);
        }

        double percentileMillis(double percentile) {
            return latency.getValueAtPercentile(percentile) / 1e6;
        }
    }

    Result closedLoop(int connections, Duration time) throws IOException {
        return new Run(connections, 0).go(Duration.ZERO, time);
    }

    /** Measures for {@code time} after a {@code leadIn} at the same rate, in which connections and queues fill. */
    Result openLoop(int connectionsMax, Duration leadIn, Duration time, double perSecond) throws IOException {
        return new Run(connectionsMax, perSecond).go(leadIn, time);
    }

    private static final class Connection {
        private final SocketChannel channel;
        private final ByteBuffer response = ByteBuffer.allocate(RESPONSE_BYTES_MAX);
        private long intendedNanos;

        /** Of the request under way, what the other side has not taken yet. */
        private ByteBuffer left = ByteBuffer.allocate(0);

        private @Nullable SelectionKey key;

        private Connection(SocketChannel channel) {
            this.channel = channel;
        }

        private SelectionKey key() {
            return Objects.requireNonNull(key);
        }
    }

    private final class Run {
        private final int connections;
        private final double perSecond;
        private final Histogram latency = new Histogram(LONGEST_NANOS, 3);
        private final Deque<Connection> free = new ArrayDeque<>();

        /** Once all connections are open: the first request, the first and the last moment that count. */
        private long firstNanos;

        private long startNanos;
        private long endNanos;
        private long sent;
        private long good;
        private long refused;
        private long bad;
        private int underWay;

        private Run(int connections, double perSecond) {
            this.connections = connections;
            this.perSecond = perSecond;
        }

        private Result go(Duration leadIn, Duration time) throws IOException {
            List<Connection> all = new ArrayList<>();
            try (Selector selector = Selector.open()) {
                for (int i = 0; i < connections; i++) {
                    all.add(open(selector));
                }
                free.addAll(all);
                firstNanos = System.nanoTime();
                startNanos = firstNanos + leadIn.toNanos();
                endNanos = startNanos + time.toNanos();
                while (System.nanoTime() < endNanos || underWay > 0) {
                    send();
                    if (System.nanoTime() - endNanos > TimeUnit.SECONDS.toNanos(10)) {
                        bad += underWay;
                        break;
                    }
                    selector.select(waitMillis());
                    for (Iterator<SelectionKey> keys = selector.selectedKeys().iterator(); keys.hasNext(); ) {
                        SelectionKey key = keys.next();
                        keys.remove();
                        Connection connection = (Connection) key.attachment();
                        if (key.isWritable()) {
                            write(connection);
                        }
                        if (key.isReadable()) {
                            receive(connection);
                        }
                    }
                }
            } finally {
                for (Connection each : all) {
                    each.channel.close();
                }
            }
            return new Result(latency, good, refused, bad, time);
        }

        private long waitMillis() {
            return perSecond == 0 || free.isEmpty() ? 50 : 1;
        }

        private Connection open(Selector selector) throws IOException {
            SocketChannel channel = SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            channel.configureBlocking(false);
            channel.socket().setTcpNoDelay(true);
            Connection connection = new Connection(channel);
            connection.key = channel.register(selector, SelectionKey.OP_READ, connection);
            return connection;
        }

        private void send() throws IOException {
            long now = System.nanoTime();
            while (!free.isEmpty() && now < endNanos) {
                long intended = perSecond == 0 ? now : firstNanos + (long) (sent / perSecond * 1e9);
                if (intended > now) {
                    return;
                }
                Connection next = free.removeFirst();
                next.intendedNanos = intended;
                next.response.clear();
                ByteBuffer bytes = request.duplicate();
                next.left = bytes;
                write(next);
                sent++;
                underWay++;
            }
        }

        private void write(Connection connection) throws IOException {
            connection.channel.write(connection.left);
            int interest = connection.left.hasRemaining()
                    ? SelectionKey.OP_READ | SelectionKey.OP_WRITE
                    : SelectionKey.OP_READ;
            connection.key().interestOps(interest);
        }

        private void receive(Connection connection) throws IOException {
            if (connection.channel.read(connection.response) < 0) {
                throw new IOException("the server on port %d closed a connection".formatted(port));
            }
            if (HttpMessage.complete(connection.response)) {
                underWay--;
                ByteBuffer response = connection.response;
                long now = System.nanoTime();
                boolean inTime = now >= startNanos && now <= endNanos;
                int status = HttpMessage.status(response);
                if (status == 429) {
                    refused += inTime ? 1 : 0;
                } else if (status / 100 == 2
                        && HttpMessage.text(response, response.position()).contains(wanted)) {
                    good += inTime ? 1 : 0;
                    if (connection.intendedNanos >= startNanos) {
                        latency.recordValue(Math.min(LONGEST_NANOS, now - connection.intendedNanos));
                    }
                } else {
                    bad++;
                }
                free.addLast(connection);
            }
        }
    }
}
