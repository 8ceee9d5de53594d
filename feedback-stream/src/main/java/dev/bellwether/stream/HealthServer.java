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

/** {@code GET /readyz}: 200 while the stream does its work, else 503 with what keeps it from it. */
final class HealthServer implements AutoCloseable {
    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    private HealthServer(HttpServer server) {
        this.server = server;
    }

    static HealthServer start(int port, Progress progress) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        HealthServer health = new HealthServer(server);
        server.createContext("/readyz", exchange -> answer(exchange, progress));
        server.setExecutor(health.threads);
        server.start();
        return health;
    }

    private static void answer(HttpExchange exchange, Progress progress) throws IOException {
        try (exchange) {
            Optional<String> obstacle = progress.obstacle();
            byte[] body = obstacle.orElse("ready").getBytes(StandardCharsets.UTF_8);
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
