package dev.bellwether.gateway.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.lang.ref.WeakReference;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class BodiesIT {
    private static final int MOST = 200_000;
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private static Vertx vertx;
    private static Bodies bodies;
    private static Bodies patient;
    private static HttpServer server;
    private static final List<WeakReference<ObjectNode>> read = new CopyOnWriteArrayList<>();

    @BeforeAll
    static void start() {
        vertx = Vertx.vertx();
        bodies = new Bodies(MOST, 32 << 10, Duration.ofSeconds(3));
        patient = new Bodies(MOST, 32 << 10, Duration.ofMinutes(5));
        Router router = Router.router(vertx);
        router.route().handler(context -> {
            Requests.begin(context);
            context.next();
        });
        router.post("/")
                .handler(context -> bodies.read(context, MOST, owner(context)))
                .handler(Bodies::received)
                .handler(context ->
                        context.response().end("" + Bodies.json(context).size()));
        router.post("/patient")
                .handler(context -> patient.read(context, MOST, owner(context)))
                .handler(Bodies::received)
                .handler(context -> {
                    read.add(new WeakReference<>(Bodies.json(context)));
                    context.response().end();
                });
        router.post("/small")
                .handler(context -> patient.read(context, 32 << 10, owner(context)))
                .handler(Bodies::received)
                .handler(context -> context.response().end());
        router.route().failureHandler(Errors.OPENAI::orShapeOfRoute);
        server = vertx.createHttpServer()
                .requestHandler(router)
                .listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .join();
    }

    @AfterAll
    static void stop() {
        bodies.close();
        patient.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    private static String owner(RoutingContext context) {
        return Objects.requireNonNullElse(context.request().getHeader("owner"), "somebody");
    }

    private static CompletableFuture<HttpResponse<String>> post(String body) {
        return post(HttpClient.Version.HTTP_1_1, "/", body);
    }

    private static CompletableFuture<HttpResponse<String>> post(HttpClient.Version version, String path, String body) {
        return HTTP.sendAsync(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:%d%s".formatted(server.actualPort(), path)))
                        .version(version)
                        .header("content-type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    @ParameterizedTest
    @EnumSource(HttpClient.Version.class)
    void takesManyLargeBodiesInTurn(HttpClient.Version version) {
        String large = "{\"text\":\"%s\"}".formatted("x".repeat(150_000));
        assertThat(post(version, "/", "{}").join().statusCode()).as("connected").isEqualTo(200);
        List<CompletableFuture<HttpResponse<String>>> calls =
                IntStream.range(0, 60).mapToObj(_ -> post(version, "/", large)).toList();
        assertThat(calls)
                .allSatisfy(call -> assertThat(call.join().statusCode()).isEqualTo(200));
    }

    @ParameterizedTest
    @EnumSource(HttpClient.Version.class)
    void keepsNothingOfWhatIsAnswered(HttpClient.Version version) {
        read.clear();
        String large = "{\"text\":\"%s\"}".formatted("x".repeat(150_000));
        List<CompletableFuture<HttpResponse<String>>> calls = IntStream.range(0, 60)
                .mapToObj(_ -> post(version, "/patient", large))
                .toList();
        calls.forEach(CompletableFuture::join);
        assertThat(read).isNotEmpty();
        // The last one may be held by its connection.
        Awaitility.await().until(() -> {
            System.gc();
            return read.stream().filter(each -> each.get() != null).count() <= 1;
        });
    }

    @Test
    void answersASenderWhoDawdlesAndServesOthersMeanwhile() throws IOException {
        try (Socket slow = new Socket(InetAddress.getLoopbackAddress(), server.actualPort());
                Socket slowToo = new Socket(InetAddress.getLoopbackAddress(), server.actualPort());
                Socket third = new Socket(InetAddress.getLoopbackAddress(), server.actualPort())) {
            for (Socket socket : List.of(slow, slowToo, third)) {
                OutputStream out = socket.getOutputStream();
                out.write(("POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
                                + "content-length: 100000\r\n\r\n{")
                        .getBytes(StandardCharsets.UTF_8));
                out.flush();
            }
            assertThat(post("{\"a\":1}").join().body()).isEqualTo("1");
            for (Socket socket : List.of(slow, slowToo, third)) {
                BufferedReader answer =
                        new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
                assertThat(answer.readLine()).contains("408");
            }
        }
        assertThat(post("{\"text\":\"%s\"}".formatted("x".repeat(150_000)))
                        .join()
                        .statusCode())
                .as("their places are free again")
                .isEqualTo(200);
    }

    /** Connections that begin a request and say nothing more. */
    private static final class Dawdlers implements AutoCloseable {
        private final List<Socket> sockets = new ArrayList<>();

        private Dawdlers(int count, String path, String... headers) throws IOException {
            List<String> lines = new ArrayList<>(
                    List.of("POST %s HTTP/1.1".formatted(path), "host: a", "content-type: application/json"));
            lines.addAll(List.of(headers));
            byte[] head = (String.join("\r\n", lines) + "\r\n\r\n").getBytes(StandardCharsets.UTF_8);
            for (int i = 0; i < count; i++) {
                Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.actualPort());
                sockets.add(socket);
                socket.getOutputStream().write(head);
            }
        }

        @Override
        public void close() throws IOException {
            for (Socket socket : sockets) {
                socket.close();
            }
        }
    }

    /** More than there are places, of which they do not get all. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "content-length: 100000",
                "transfer-encoding: chunked",
                "content-encoding: gzip\r\ncontent-length: 100"
            })
    void keepsPlacesFromTheDawdlersOfOneOwner(String header) throws IOException {
        try (Dawdlers _ = new Dawdlers(40, "/patient", "owner: a dawdler", header)) {
            String large = "{\"text\":\"%s\"}".formatted("x".repeat(150_000));
            assertThat(post(HttpClient.Version.HTTP_1_1, "/patient", large)
                            .orTimeout(30, TimeUnit.SECONDS)
                            .join()
                            .statusCode())
                    .isEqualTo(200);
        }
    }

    @Test
    void readsAChunkedBodyThatMustBeSmallAtOnce() throws IOException {
        try (Dawdlers dawdlers = new Dawdlers(20, "/small", "transfer-encoding: chunked")) {
            Socket last = dawdlers.sockets.getLast();
            last.getOutputStream().write("7\r\n{\"a\":1}\r\n0\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            BufferedReader answer =
                    new BufferedReader(new InputStreamReader(last.getInputStream(), StandardCharsets.UTF_8));
            last.setSoTimeout(30_000);
            assertThat(answer.readLine()).contains("200");
        }
    }

    @Test
    void refusesWhatIsLargerThanItMayBe() {
        assertThat(post("{\"text\":\"%s\"}".formatted("x".repeat(MOST))).join().statusCode())
                .isEqualTo(413);
    }
}
