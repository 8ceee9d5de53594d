package dev.bellwether.standalone;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.KafkaException;

/** A question to a local process whose right answer means that it serves; answered within a few seconds. */
public sealed interface HealthCheck {
    int TIMEOUT_MILLISECONDS = 2_000;

    boolean passes();

    /** Passes when a GET answers 200. */
    record Http(URI url) implements HealthCheck {
        @Override
        public boolean passes() {
            try {
                return status(url) == HttpURLConnection.HTTP_OK;
            } catch (IOException unreachable) {
                return false;
            }
        }
    }

    /** Passes when a GET is answered at all. */
    record Answer(URI url) implements HealthCheck {
        @Override
        public boolean passes() {
            try {
                return status(url) > 0;
            } catch (IOException unreachable) {
                return false;
            }
        }
    }

    private static int status(URI url) throws IOException {
        var connection = (HttpURLConnection) url.toURL().openConnection();
        connection.setConnectTimeout(TIMEOUT_MILLISECONDS);
        connection.setReadTimeout(TIMEOUT_MILLISECONDS);
        try {
            return connection.getResponseCode();
        } finally {
            connection.disconnect();
        }
    }

    /** Passes when something on a loopback port accepts a connection. */
    record Tcp(int port) implements HealthCheck {
        @Override
        public boolean passes() {
            try (var socket = connect(port)) {
                return socket.isConnected();
            } catch (IOException unreachable) {
                return false;
            }
        }
    }

    /** Passes when a Redis on a loopback port answers PING with PONG. */
    record Redis(int port) implements HealthCheck {
        @Override
        public boolean passes() {
            try (var socket = connect(port)) {
                socket.getOutputStream().write("PING\r\n".getBytes(StandardCharsets.US_ASCII));
                byte[] answer = socket.getInputStream().readNBytes(7);
                return new String(answer, StandardCharsets.US_ASCII).equals("+PONG\r\n");
            } catch (IOException unreachable) {
                return false;
            }
        }
    }

    /** Passes when a broker on a loopback port describes a cluster with at least one broker in it. */
    record Kafka(int port) implements HealthCheck {
        @Override
        public boolean passes() {
            if (!new Tcp(port).passes()) {
                return false;
            }
            Map<String, Object> settings = Map.of(
                    AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG,
                    "127.0.0.1:" + port,
                    AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG,
                    TIMEOUT_MILLISECONDS,
                    AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
                    TIMEOUT_MILLISECONDS);
            try (var admin = Admin.create(settings)) {
                return !admin.describeCluster()
                        .nodes()
                        .get(TIMEOUT_MILLISECONDS, TimeUnit.MILLISECONDS)
                        .isEmpty();
            } catch (ExecutionException | TimeoutException | KafkaException unreachable) {
                return false;
            } catch (InterruptedException interrupted) {
                throw StandaloneException.interrupted("the broker's answer");
            }
        }
    }

    private static Socket connect(int port) throws IOException {
        var socket = new Socket();
        try {
            socket.setSoTimeout(TIMEOUT_MILLISECONDS);
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), TIMEOUT_MILLISECONDS);
            return socket;
        } catch (IOException failure) {
            socket.close();
            throw failure;
        }
    }
}
