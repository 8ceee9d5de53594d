package dev.bellwether.simulation.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.bellwether.event.EventJson;
import dev.bellwether.event.RolloutState;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class OperatorClientTest {
    private final List<String> calls = new CopyOnWriteArrayList<>();
    private HttpServer gateway;
    private OperatorClient client;
    private int status = 200;
    private String answer = "{}";

    @BeforeEach
    void start() throws IOException {
        gateway = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
        gateway.createContext("/", exchange -> {
            calls.add("%s %s %s %s"
                    .formatted(
                            exchange.getRequestMethod(),
                            exchange.getRequestURI(),
                            exchange.getRequestHeaders().getFirst("if-match"),
                            new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8)));
            byte[] body = answer.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        gateway.start();
        client = new OperatorClient(
                URI.create("http://127.0.0.1:" + gateway.getAddress().getPort()), "key\n");
    }

    @AfterEach
    void stop() {
        client.close();
        gateway.stop(0);
    }

    @Test
    void readsTheRollout() throws Exception {
        RolloutState state = RolloutState.idle("support", "v1");
        answer = "{\"rollout\":%s}".formatted(EventJson.mapper().writeValueAsString(state));

        assertThat(client.status("support").rollout()).isEqualTo(state);
    }

    @Test
    void givesACommandToTheRevisionThatWasSeen() throws Exception {
        client.command("support", OperatorClient.Command.PROMOTE, "v2", "looks good", 7);

        assertThat(calls)
                .containsExactly("POST /operator/v1/bots/support/rollout/promote \"7\" "
                        + "{\"why\":\"looks good\",\"version\":\"v2\"}");
    }

    @Test
    void saysWhatTheGatewayRefused() {
        status = 412;
        answer = "{\"status\":412,\"code\":\"revision_changed\",\"detail\":\"Look at it again.\"}";

        assertThatThrownBy(() -> client.status("support"))
                .isInstanceOfSatisfying(
                        OperatorException.class,
                        refusal -> assertThat(refusal.code()).isEqualTo("revision_changed"))
                .hasMessage("Look at it again.");
    }

    @Test
    void saysThatNobodyAnswers() {
        gateway.stop(0);

        assertThatThrownBy(() -> client.status("support"))
                .isInstanceOf(OperatorException.class)
                .hasMessageContaining("no gateway answers operators at http://127.0.0.1:");
    }
}
