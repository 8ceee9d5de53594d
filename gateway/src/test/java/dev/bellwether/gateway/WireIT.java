package dev.bellwether.gateway;

import static dev.bellwether.gateway.TestGateway.question;
import static dev.bellwether.gateway.TestGateway.send;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.RequestOptions;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What no well-behaved HTTP client would send. */
class WireIT {
    private static final int PATIENCE_MILLIS = 20_000;

    @TempDir
    private static Path directory = Path.of("");

    private static TestGateway gateway;

    @BeforeAll
    static void start() throws IOException {
        gateway = new TestGateway(directory.resolve("data"), """
                bots:
                  wire: {champion: default, chat: {completion_tokens_max: 4}}
                """, TestGateway.Settings.DEFAULT).start();
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    /** Whoever stands in between may read the end of such a request elsewhere, and a second one in what remains. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "content-length: 4\r\ntransfer-encoding: chunked",
                "transfer-encoding: chunked\r\ncontent-length: 4",
                "content-length: 4\r\ncontent-length: 5",
                "content-length: 4, 5",
                "content-length: +4",
                "content-length: -4",
                "transfer-encoding: xchunked",
                "transfer-encoding : chunked",
                "x: a\rb: c\r\ncontent-length: 4",
                "x: a\u0000b\r\ncontent-length: 4",
                "x y: a\r\ncontent-length: 4",
            })
    void refusesRequestsWhoseEndIsDoubtfulAndCloses(String headers) throws IOException {
        String hidden = "GET /v1/models HTTP/1.1\r\nhost: a\r\n\r\n";
        String answers = answers("POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer "
                + gateway.key() + "\r\ncontent-type: application/json\r\n" + headers + "\r\n\r\n0\r\n\r\n" + hidden);
        assertThat(answers)
                .startsWith("HTTP/1.1 400 ")
                .doesNotContain("HTTP/1.1 200")
                .doesNotContain("HTTP/1.1 401");
        assertThat(answers.split("HTTP/1.1 ")).as(answers).hasSize(2);
    }

    /** Everything that the gateway answers until it closes the connection. */
    private static String answers(String sent) throws IOException {
        try (Socket socket =
                new Socket(gateway.open("/").getHost(), gateway.open("/").getPort())) {
            socket.setSoTimeout(PATIENCE_MILLIS);
            socket.getOutputStream().write(sent.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void endsAConnectionThatBeginsAndResetsWithoutEnd() throws Exception {
        Vertx vertx = Vertx.vertx();
        try {
            HttpClient client = vertx.createHttpClient(new HttpClientOptions()
                    .setProtocolVersion(HttpVersion.HTTP_2)
                    .setHttp2ClearTextUpgrade(false));
            RequestOptions options = new RequestOptions()
                    .setMethod(HttpMethod.POST)
                    .setHost(gateway.open("/").getHost())
                    .setPort(gateway.open("/").getPort())
                    .setURI("/v1/chat/completions")
                    .putHeader("authorization", "Bearer " + gateway.key());
            AtomicBoolean sentAway = new AtomicBoolean();
            for (int i = 0; i < 2_000 && !sentAway.get(); i++) {
                HttpClientRequest request = client.request(options)
                        .toCompletionStage()
                        .toCompletableFuture()
                        .get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
                request.exceptionHandler(_ -> {});
                request.connection().goAwayHandler(_ -> sentAway.set(true));
                request.sendHead().onComplete(_ -> request.reset());
            }
            TestGateway.await(sentAway::get);
        } finally {
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
        assertThat(send("POST", gateway.open("/v1/chat/completions"), question("wire", ""), gateway.key())
                        .statusCode())
                .as("others go on")
                .isEqualTo(200);
    }
}
