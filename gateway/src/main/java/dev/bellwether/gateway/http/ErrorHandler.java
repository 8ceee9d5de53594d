package dev.bellwether.gateway.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns every failure into a response: OpenAI's shape on its routes, RFC 9457 problem JSON on the others. */
final class ErrorHandler {
    private static final Logger LOG = LoggerFactory.getLogger(ErrorHandler.class);
    private static final Map<Integer, String> STATUS_MESSAGES = Map.of(
            400, "The request is malformed.",
            404, "There is nothing at this address.",
            405, "This method is not allowed here.",
            408, "The request was not received in time.",
            413, "The body is too large.",
            415, "The content type must be application/json.");

    private ErrorHandler() {}

    static void handle(RoutingContext context) {
        if (context.response().ended() || context.response().closed()) {
            return;
        }
        if (context.response().headWritten()) {
            context.response().reset();
            return;
        }
        ApiException failure = failure(context);
        if (failure.status() >= 500) {
            LOG.warn("{} {}: {}", context.request().method(), context.request().path(), failure.getMessage());
        }
        Duration retryAfter = failure.retryAfter();
        if (retryAfter != null) {
            long seconds = Math.max(1, (retryAfter.toMillis() + 999) / 1000);
            context.response().putHeader("retry-after", Long.toString(seconds));
        }
        boolean openAi = context.request().path().startsWith("/v1/chat")
                || context.request().path().startsWith("/v1/models");
        context.response()
                .setStatusCode(failure.status())
                .putHeader("content-type", openAi ? "application/json" : "application/problem+json")
                .end(Json.write(openAi ? openAi(failure) : problem(failure)));
    }

    private static ApiException failure(RoutingContext context) {
        Throwable cause = context.failure();
        if (cause instanceof ApiException known) {
            return known;
        }
        int status = context.statusCode() < 400 ? 500 : context.statusCode();
        if (cause != null && status >= 500) {
            LOG.error(
                    "{} {} failed",
                    context.request().method(),
                    context.request().path(),
                    cause);
            return ApiException.of(500, "internal_error", "The gateway failed; the log says why.");
        }
        String message = STATUS_MESSAGES.getOrDefault(status, "The request failed.");
        return ApiException.of(status, "http_" + status, message);
    }

    private static ObjectNode openAi(ApiException failure) {
        ObjectNode json = Json.object();
        json.putObject("error")
                .put("message", failure.getMessage())
                .put("type", failure.status() >= 500 ? "server_error" : "invalid_request_error")
                .put("param", failure.parameter())
                .put("code", failure.code());
        return json;
    }

    private static ObjectNode problem(ApiException failure) {
        ObjectNode json = Json.object()
                .put("type", "about:blank")
                .put("status", failure.status())
                .put("code", failure.code())
                .put("detail", failure.getMessage());
        if (failure.parameter() != null) {
            json.put("pointer", failure.parameter());
        }
        return json;
    }
}
