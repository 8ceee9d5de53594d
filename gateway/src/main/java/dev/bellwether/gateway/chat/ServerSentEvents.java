package dev.bellwether.gateway.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.gateway.http.Json;
import io.vertx.core.http.HttpServerResponse;

/** A stream of server-sent events, closed by OpenAI's {@code [DONE]}. */
final class ServerSentEvents {
    private final HttpServerResponse response;

    ServerSentEvents(HttpServerResponse response) {
        this.response = response;
        response.setChunked(true)
                .putHeader("content-type", "text/event-stream; charset=utf-8")
                .putHeader("cache-control", "no-cache");
    }

    void send(ObjectNode data) {
        if (!response.ended() && !response.closed()) {
            response.write("data: " + Json.write(data) + "\n\n");
        }
    }

    void fail(String code, String message) {
        ObjectNode json = Json.object();
        json.putObject("error")
                .put("message", message)
                .put("type", "server_error")
                .put("code", code);
        send(json);
        end();
    }

    void done() {
        if (!response.ended() && !response.closed()) {
            response.write("data: [DONE]\n\n");
        }
        end();
    }

    private void end() {
        if (!response.ended() && !response.closed()) {
            response.end();
        }
    }
}
