package dev.bellwether.gateway;

import static dev.bellwether.gateway.TestGateway.await;
import static dev.bellwether.gateway.TestGateway.send;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A gateway whose models may take the memory of two: no bot's champion makes room for another's. */
class RoomIT {
    private static final long TWO = 500L << 20;

    @TempDir
    private static Path directory = Path.of("");

    private static TestGateway gateway;

    @BeforeAll
    static void start() throws IOException {
        TestGateway.Settings settings =
                new TestGateway.Settings(List.of(), _ -> null, "", TWO, TestGateway.SPOOL_BYTES);
        gateway = new TestGateway(directory.resolve("data"), """
                bots:
                  room-a: {champion: default}
                  room-b: {champion: default}
                """, settings).start();
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    private static HttpResponse<String> ask(String bot) throws IOException, InterruptedException {
        String chat = "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello?\"}]}".formatted(bot);
        return send(
                "POST",
                gateway.open("/v1/chat/completions"),
                chat,
                gateway.folder().apiKey());
    }

    @Test
    void whoServesStaysWhenAThirdBotComes() throws IOException, InterruptedException {
        assertThat(ask("room-a").statusCode()).isEqualTo(200);
        assertThat(ask("room-b").statusCode()).isEqualTo(200);
        Path store = gateway.folder().store();
        Files.createDirectories(store.resolve("room-c"));
        try (var files = Files.walk(store.resolve("room-a/default"))) {
            for (Path file : files.toList()) {
                Path copy =
                        store.resolve("room-c").resolve(store.resolve("room-a").relativize(file));
                if (file.endsWith("manifest.json")) {
                    Files.writeString(copy, Files.readString(file).replace("room-a", "room-c"));
                } else {
                    Files.copy(file, copy);
                }
            }
        }
        Path keys = gateway.folder().keys();
        Files.writeString(keys, Files.readString(keys).replace("\"room-b\"", "\"room-b\", \"room-c\""));
        Path bots = gateway.folder().bots();
        Files.writeString(bots, Files.readString(bots).strip() + "\n  room-c: {champion: default}\n");
        await(() -> ask("room-c").body().contains("policy_unavailable"));
        String state = send(
                        "GET",
                        gateway.operator("/operator/v1/bots/room-c"),
                        "",
                        gateway.folder().operatorKey())
                .body();
        assertThat(state).contains("BELLWETHER_MODEL_MEMORY");
        assertThat(ask("room-a").statusCode()).isEqualTo(200);
        assertThat(ask("room-b").statusCode()).isEqualTo(200);
    }
}
