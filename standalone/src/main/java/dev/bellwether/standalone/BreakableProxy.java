package dev.bellwether.standalone;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/**
 * A TCP proxy on loopback that forwards to a loopback port until it is told to break: connections cut, bytes late, or
 * bytes swallowed.
 */
public final class BreakableProxy implements AutoCloseable {
    private static final int CONNECTIONS_MAX = 512;
    private static final int BUFFER_BYTES = 16 * 1024;
    private static final int CONNECT_LIMIT_MILLISECONDS = 2_000;

    private final ServerSocket server;
    private final int targetPort;
    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    private volatile Fault fault = new None();

    /** What goes wrong on every connection. */
    private sealed interface Fault {}

    private record None() implements Fault {}

    private record Cut() implements Fault {}

    private record Swallow() implements Fault {}

    private record Late(Duration delay) implements Fault {}

    private BreakableProxy(ServerSocket server, int targetPort) {
        this.server = server;
        this.targetPort = targetPort;
    }

    public static BreakableProxy start(int targetPort) {
        return start(Ports.free(), targetPort);
    }

    /** Starts a proxy that listens on one loopback port and forwards to another, which need not be open yet. */
    public static BreakableProxy start(int port, int targetPort) {
        try {
            var server = new ServerSocket();
            try {
                server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            } catch (IOException failure) {
                server.close();
                throw failure;
            }
            var proxy = new BreakableProxy(server, targetPort);
            Thread.ofVirtual().name("proxy-" + port).start(proxy::accept);
            return proxy;
        } catch (IOException failure) {
            throw new UncheckedIOException("Cannot listen on 127.0.0.1:" + port, failure);
        }
    }

    /** Where clients connect. */
    public int port() {
        return server.getLocalPort();
    }

    /** Resets all connections, and every new one, until healed. */
    public void cut() {
        fault = new Cut();
        closeAll();
    }

    /** Holds every piece of data back for a while, in both directions, until healed. */
    public void delay(Duration delay) {
        fault = new Late(delay);
    }

    /** Accepts connections and data but passes nothing on and answers nothing, until healed. */
    public void blackHole() {
        fault = new Swallow();
    }

    /** Forwards again. Connections that lost bytes are reset: what follows the gap would be nonsense. */
    public void heal() {
        fault = new None();
        connections.stream().filter(connection -> connection.lostBytes).forEach(Connection::reset);
    }

    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException failure) {
            throw new UncheckedIOException("Cannot close the proxy on port " + port(), failure);
        } finally {
            cut();
        }
    }

    private void closeAll() {
        connections.forEach(Connection::reset);
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                var client = server.accept();
                if (fault instanceof Cut || connections.size() >= CONNECTIONS_MAX) {
                    new Connection(client, client).reset();
                } else {
                    Thread.ofVirtual().start(() -> open(client));
                }
            } catch (IOException closedOrReset) {
                // The next round ends when the proxy is closed.
            }
        }
    }

    private void open(Socket client) {
        var target = new Socket();
        var connection = new Connection(client, target);
        connections.add(connection);
        try {
            if (fault instanceof Cut) {
                throw new IOException("cut");
            }
            target.connect(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), targetPort), CONNECT_LIMIT_MILLISECONDS);
            target.setTcpNoDelay(true);
            client.setTcpNoDelay(true);
            Thread.ofVirtual().start(() -> connection.pump(client, target));
            connection.pump(target, client);
        } catch (IOException unreachable) {
            connection.reset();
        }
    }

    private final class Connection {
        private final Socket client;
        private final Socket target;
        private volatile boolean lostBytes;

        Connection(Socket client, Socket target) {
            this.client = client;
            this.target = target;
        }

        void pump(Socket from, Socket to) {
            try {
                InputStream input = from.getInputStream();
                OutputStream output = to.getOutputStream();
                byte[] buffer = new byte[BUFFER_BYTES];
                for (int count = input.read(buffer); count >= 0; count = input.read(buffer)) {
                    pass(buffer, count, output);
                }
                to.shutdownOutput();
                if (from.isOutputShutdown()) {
                    close();
                }
            } catch (IOException broken) {
                reset();
            }
        }

        private void pass(byte[] buffer, int count, OutputStream output) throws IOException {
            switch (fault) {
                case None none -> output.write(buffer, 0, count);
                case Cut cut -> throw new IOException("cut");
                case Swallow swallow -> lostBytes = true;
                case Late late -> {
                    LockSupport.parkNanos(late.delay().toNanos());
                    output.write(buffer, 0, count);
                }
            }
        }

        /** Closes both ends after all that was sent has arrived. */
        void close() {
            connections.remove(this);
            close(client, false);
            close(target, false);
        }

        /** Closes both ends as a broken network would: at once, and what is on its way is lost. */
        void reset() {
            connections.remove(this);
            close(client, true);
            close(target, true);
        }

        private static void close(Socket socket, boolean abruptly) {
            try (socket) {
                if (abruptly) {
                    socket.setSoLinger(true, 0);
                }
            } catch (IOException closedAlready) {
                // Nothing is left to close.
            }
        }
    }
}
