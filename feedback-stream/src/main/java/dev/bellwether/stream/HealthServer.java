package dev.bellwether.stream;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * {@code GET /readyz}: 200 while the stream does its work, else 503 with what keeps it from it. {@code GET /livez}: 503 only
 * when a new start might help.
 */
final class HealthServer implements AutoCloseable {
    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    private HealthServer(HttpServer server) {
        this.server = server;
    }

    static HealthServer start(int port, Progress progress) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        HealthServer health = new HealthServer(server);
        server.createContext("/readyz", exchange -> answer(exchange, progress::obstacle));
        server.createContext("/livez", exchange -> answer(exchange, progress::hang));
        server.setExecutor(health.threads);
        server.start();
        return health;
    }

    /** What is wrong, if anything is. */
    private interface Check {
        Optional<String> look() throws InterruptedException;
    }

    private static void answer(HttpExchange exchange, Check check) throws IOException {
        try (exchange) {
            Optional<String> obstacle = check.look();
            byte[] body = obstacle.orElse("ok").getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(obstacle.isEmpty() ? 200 : 503, body.length);
            exchange.getResponseBody().write(body);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
