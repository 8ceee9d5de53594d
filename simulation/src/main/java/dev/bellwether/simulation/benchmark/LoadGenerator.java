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
     * @param wanted what every good answer contains, beside status 200
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
     * @param latency in nanoseconds, of good answers
     * @param refused answers of 429
     * @param bad answers of another status, or without what was wanted
     */
    record Result(Histogram latency, long refused, long bad, Duration took) {
        double perSecond() {
            return latency.getTotalCount() / (took.toNanos() / 1e9);
        }

        double percentileMillis(double percentile) {
            return latency.getValueAtPercentile(percentile) / 1e6;
        }
    }

    Result closedLoop(int connections, Duration time) throws IOException {
        return new Run(connections, time, 0).go();
    }

    Result openLoop(int connectionsMax, Duration time, double perSecond) throws IOException {
        return new Run(connectionsMax, time, perSecond).go();
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
        private final long endNanos;
        private final double perSecond;
        private final long startNanos = System.nanoTime();
        private final Histogram latency = new Histogram(LONGEST_NANOS, 3);
        private final Deque<Connection> free = new ArrayDeque<>();
        private long sent;
        private long refused;
        private long bad;
        private int underWay;

        private Run(int connections, Duration time, double perSecond) {
            this.connections = connections;
            this.endNanos = startNanos + time.toNanos();
            this.perSecond = perSecond;
        }

        private Result go() throws IOException {
            List<Connection> all = new ArrayList<>();
            try (Selector selector = Selector.open()) {
                for (int i = 0; i < connections; i++) {
                    all.add(open(selector));
                }
                free.addAll(all);
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
            return new Result(
                    latency, refused, bad, Duration.ofNanos(Math.min(System.nanoTime(), endNanos) - startNanos));
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
                long intended = perSecond == 0 ? now : startNanos + (long) (sent / perSecond * 1e9);
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
                int status = HttpMessage.status(response);
                if (status == 429) {
                    refused++;
                } else if (status == 200
                        && HttpMessage.text(response, response.position()).contains(wanted)) {
                    latency.recordValue(Math.min(LONGEST_NANOS, System.nanoTime() - connection.intendedNanos));
                } else {
                    bad++;
                }
                free.addLast(connection);
            }
        }
    }
}
