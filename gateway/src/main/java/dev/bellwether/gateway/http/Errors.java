package dev.bellwether.gateway.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.http.HttpClosedException;
import io.vertx.ext.web.RoutingContext;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns every failure of a route into a response, in the one shape that the route has. */
public enum Errors {
    /** OpenAI's {@code {"error": {…}}}. */
    OPENAI("application/json") {
        @Override
        ObjectNode body(ApiException failure) {
            ObjectNode json = Json.object();
            json.set("error", error(failure));
            return json;
        }
    },
    /** RFC 9457 problem JSON, with the same in OpenAI's words beside it, which OpenAI's clients look for. */
    PROBLEM("application/problem+json") {
        @Override
        ObjectNode body(ApiException failure) {
            ObjectNode json = Json.object()
                    .put("type", "about:blank")
                    .put("status", failure.status())
                    .put("code", failure.code())
                    .put("detail", failure.getMessage());
            if (failure.parameter() != null) {
                json.put("pointer", failure.parameter());
            }
            json.set("error", error(failure));
            return json;
        }
    };

    private static final String SHAPE = "errors";
    private static final Logger LOG = LoggerFactory.getLogger(Errors.class);
    private static final Map<Integer, String> STATUS_MESSAGES = Map.of(
            400, "The request is malformed.",
            404, "There is nothing at this address.",
            405, "This method is not allowed here.",
            408, "The request was not received in time.",
            413, "The body is too large.");

    private final String contentType;

    Errors(String contentType) {
        this.contentType = contentType;
    }

    abstract ObjectNode body(ApiException failure);

    /** Gives a route this shape; what fails before any route is chosen has the one that its port falls back on. */
    void shape(RoutingContext context) {
        context.put(SHAPE, this).next();
    }

    /** Answers a failed request of a port, if it has no answer yet. */
    public void orShapeOfRoute(RoutingContext context) {
        Errors chosen = context.get(SHAPE);
        (chosen == null ? this : chosen).answer(context);
    }

    private void answer(RoutingContext context) {
        boolean gone = context.failure() instanceof HttpClosedException;
        if (gone || context.response().ended() || context.response().closed()) {
            return;
        }
        if (context.response().headWritten()) {
            context.response().reset();
            return;
        }
        ApiException failure = failure(context);
        if (failure.status() >= 500) {
            LOG.warn("{}: {}", Requests.describe(context), failure.getMessage());
        }
        failure.headers().forEach(context.response()::putHeader);
        context.response()
                .setStatusCode(failure.status())
                .putHeader("content-type", contentType)
                .end(Json.write(body(failure)));
    }

    private static ApiException failure(RoutingContext context) {
        Throwable cause = context.failure();
        if (cause instanceof ApiException known) {
            return known;
        }
        int status = context.statusCode() < 400 ? 500 : context.statusCode();
        if (cause != null && status >= 500) {
            LOG.error("{} failed", Requests.describe(context), cause);
            return ApiException.of(500, "internal_error", "The gateway failed; the log says why.");
        }
        String message = STATUS_MESSAGES.getOrDefault(status, "The request failed.");
        return ApiException.of(status, "http_" + status, message);
    }

    /** OpenAI's error object. */
    public static ObjectNode error(ApiException failure) {
        return Json.object()
                .put("message", failure.getMessage())
                .put("type", type(failure.status()))
                .put("param", failure.parameter())
                .put("code", failure.code());
    }

    private static String type(int status) {
        return switch (status) {
            case 401 -> "authentication_error";
            case 403 -> "permission_error";
            case 429 -> "rate_limit_error";
            default -> status >= 500 ? "server_error" : "invalid_request_error";
        };
    }
}
