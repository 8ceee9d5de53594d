package dev.bellwether.stream;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;

/**
 * {@code GET /readyz}: 200 while the stream does its work, else 503 with what keeps it from it. {@code GET /livez}: 503 only
 * when a new start might help. Both answer at once with what was seen last: looking asks Kafka, which may be away.
 */
final class HealthServer implements AutoCloseable {
    private static final Duration LOOK_EVERY = Duration.ofSeconds(1);

    private final HttpServer server;
    private final Progress progress;
    private final Thread watcher = Thread.ofPlatform().name("progress").daemon().unstarted(this::watch);
    private volatile Optional<String> obstacle = Optional.of("the stream is starting");
    private volatile Optional<String> hang = Optional.empty();

    private HealthServer(HttpServer server, Progress progress) {
        this.server = server;
        this.progress = progress;
    }

    static HealthServer start(int port, Progress progress) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        HealthServer health = new HealthServer(server, progress);
        server.createContext("/readyz", exchange -> answer(exchange, health.obstacle));
        server.createContext("/livez", exchange -> answer(exchange, health.hang));
        server.start();
        health.watcher.start();
        return health;
    }

    private void watch() {
        try {
            while (true) {
                look();
                Thread.sleep(LOOK_EVERY);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void look() throws InterruptedException {
        try {
            obstacle = progress.obstacle();
            hang = progress.hang();
        } catch (RuntimeException e) {
            obstacle = Optional.of("it cannot be told: " + e.getMessage());
        }
    }

    private static void answer(HttpExchange exchange, Optional<String> wrong) throws IOException {
        try (exchange) {
            byte[] body = wrong.orElse("ok").getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(wrong.isEmpty() ? 200 : 503, body.length);
            exchange.getResponseBody().write(body);
        }
    }

    @Override
    public void close() {
        watcher.interrupt();
        server.stop(0);
    }
}
