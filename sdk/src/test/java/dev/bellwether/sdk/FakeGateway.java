package dev.bellwether.sdk;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A gateway on a free port that gives prepared answers, in their order, and keeps what it was asked. */
final class FakeGateway implements AutoCloseable {
    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Deque<Answer> answers = new ArrayDeque<>();
    private final List<Call> calls = new CopyOnWriteArrayList<>();

    private FakeGateway(HttpServer server) {
        this.server = server;
    }

    static FakeGateway start() throws IOException {
        FakeGateway gateway =
                new FakeGateway(HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16));
        gateway.server.createContext("/", gateway::handle);
        gateway.server.setExecutor(gateway.threads);
        gateway.server.start();
        return gateway;
    }

    /** What was asked. */
    record Call(String method, String path, Map<String, List<String>> headers, String body) {
        String header(String name) {
            return headers.entrySet().stream()
                    .filter(entry -> entry.getKey().equalsIgnoreCase(name))
                    .findFirst()
                    .map(entry -> entry.getValue().get(0))
                    .orElse("");
        }
    }

    /**
     * A prepared answer.
     *
     * @param pieceBytes the body leaves in pieces of this size; 0 breaks the connection without a head
     * @param whole false to break the connection after the body
     */
    record Answer(int status, Map<String, String> headers, String body, int pieceBytes, boolean whole) {
        static Answer of(int status, String body) {
            return new Answer(status, Map.of(), body, 1_000, true);
        }

        static Answer broken() {
            return new Answer(0, Map.of(), "", 0, false);
        }

        Answer header(String name, String value) {
            return new Answer(status, Map.of(name, value), body, pieceBytes, whole);
        }

        Answer inPiecesOf(int bytes) {
            return new Answer(status, headers, body, bytes, whole);
        }

        Answer breakingOff() {
            return new Answer(status, headers, body, pieceBytes, false);
        }
    }

    FakeGateway answer(Answer... next) {
        synchronized (answers) {
            answers.addAll(List.of(next));
        }
        return this;
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    List<Call> calls() {
        return calls;
    }

    private void handle(HttpExchange exchange) throws IOException {
        calls.add(new Call(
                exchange.getRequestMethod(),
                exchange.getRequestURI().toString(),
                exchange.getRequestHeaders(),
                new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8)));
        Answer answer;
        synchronized (answers) {
            answer = answers.removeFirst();
        }
        if (answer.pieceBytes() == 0) {
            throw new IOException("broken on purpose");
        }
        answer.headers().forEach(exchange.getResponseHeaders()::set);
        byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(answer.status(), 0);
        OutputStream out = exchange.getResponseBody();
        for (int at = 0; at < body.length; at += answer.pieceBytes()) {
            out.write(body, at, Math.min(answer.pieceBytes(), body.length - at));
            out.flush();
        }
        if (!answer.whole()) {
            throw new IOException("broken on purpose");
        }
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
