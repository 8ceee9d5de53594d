package dev.bellwether.gateway.http;

import com.github.f4b6a3.uuid.UuidCreator;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;

/** What is known of every request: its id, when it began, and how long its body may take. */
public final class Requests {
    private static final String ID = "request-id";
    private static final String START = "request-start";
    private static final String SLOW = "request-timer";

    private Requests() {}

    /** Gives a request its id, the caller's own where that is a plain word, and returns it in {@code x-request-id}. */
    public static void begin(RoutingContext context) {
        String given = context.request().getHeader("x-request-id");
        String id = given != null && given.matches("[A-Za-z0-9._-]{1,128}")
                ? given
                : UuidCreator.getTimeOrderedEpochFast().toString();
        context.put(ID, id).put(START, System.nanoTime());
        context.response().putHeader("x-request-id", id);
    }

    public static String id(RoutingContext context) {
        return String.valueOf(context.<Object>get(ID));
    }

    /** When the whole of the request is to be over. */
    public static Deadline deadline(RoutingContext context, Duration limit) {
        Long start = context.get(START);
        return new Deadline((start == null ? System.nanoTime() : start) + limit.toNanos());
    }

    /** For the log: the request's id, method and path. */
    public static String describe(RoutingContext context) {
        return "%s %s %s"
                .formatted(
                        id(context),
                        context.request().method(),
                        context.request().path());
    }

    /** Refuses a body that takes longer than {@code limit}; ends with {@link #received}. */
    public static void limitBody(RoutingContext context, Duration limit) {
        Vertx vertx = context.vertx();
        long timer = vertx.setTimer(limit.toMillis(), _ -> {
            if (!context.request().isEnded()) {
                closeAfterwards(context);
                context.fail(ApiException.of(
                        408, "request_timeout", "The body was not received within %s.".formatted(limit)));
            }
        });
        context.put(SLOW, timer);
    }

    /** Ends the connection with this response, where a connection carries one request at a time. */
    static void closeAfterwards(RoutingContext context) {
        if (context.request().version() != HttpVersion.HTTP_2) {
            context.response().putHeader("connection", "close");
        }
    }

    /** The body is there. */
    public static void received(RoutingContext context) {
        Long timer = context.remove(SLOW);
        if (timer != null) {
            context.vertx().cancelTimer(timer);
        }
    }
}
