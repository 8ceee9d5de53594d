package dev.bellwether.sdk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CancellationTest {
    /** A service that takes a call, says nothing more than {@code first}, and notices when its caller hangs up. */
    private static final class Silent implements AutoCloseable {
        private final ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
        private final CountDownLatch asked = new CountDownLatch(1);
        private final CountDownLatch hungUp = new CountDownLatch(1);

        private Silent(String first) throws IOException {
            Thread thread = new Thread(() -> serve(first));
            thread.setDaemon(true);
            thread.start();
        }

        private void serve(String first) {
            try (Socket socket = server.accept()) {
                if (socket.getInputStream().read() >= 0) {
                    socket.getOutputStream().write(first.getBytes(StandardCharsets.UTF_8));
                    asked.countDown();
                }
                while (socket.getInputStream().read() >= 0) {
                    Thread.onSpinWait();
                }
            } catch (IOException e) {
                // A connection that was reset is hung up as well.
            }
            hungUp.countDown();
        }

        @Override
        public void close() throws IOException {
            server.close();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\n: hi\n\r\n"
            })
    void hangsUpWhenACallIsCancelled(String first) throws IOException, InterruptedException {
        try (Silent silent = new Silent(first)) {
            BellwetherClient client = BellwetherClient.builder()
                    .baseUrl("http://127.0.0.1:" + silent.server.getLocalPort())
                    .apiKey("k")
                    .build();
            CompletableFuture<?> call = first.isEmpty()
                    ? client.chatAsync(ChatRequest.of("support", "Hello?")).thenApply(ChatResponse::text)
                    : client.streamAsync(ChatRequest.of("support", "Hello?"), (index, text) -> {});
            assertThat(silent.asked.await(20, TimeUnit.SECONDS)).isTrue();
            call.cancel(true);
            assertThat(silent.hungUp.await(20, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void beginsNoOtherAttemptOnceCancelled() {
        CompletableFuture<Void> pause = new CompletableFuture<>();
        AtomicInteger attempts = new AtomicInteger();
        Retries retries = new Retries(
                3,
                Retries.DEFAULT.first(),
                Retries.DEFAULT.longest(),
                Retries.DEFAULT.retryAfterMax(),
                () -> 0,
                duration -> pause);
        CompletableFuture<String> call = retries.run(() -> {
            attempts.incrementAndGet();
            return CompletableFuture.failedFuture(new IOException("away"));
        });
        call.cancel(true);
        pause.complete(null);
        assertThat(attempts).hasValue(1);
        assertThat(call).isCancelled();
    }
}
