package dev.bellwether.gateway.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.zip.GZIPInputStream;
import java.util.zip.InflaterInputStream;

/**
 * Reads JSON bodies. What is small is read at once. Of large bodies, and of those that do not say how large they are, a
 * few are received at a time, while the others wait unread; they are parsed one after another, away from the event
 * loops and with rests between. So their senders wait, and nobody else does.
 */
public final class Bodies implements AutoCloseable {
    private static final String JSON = "body-json";
    private static final String MEDIA_TYPE = "application/json";
    private static final int RECEIVED_AT_ONCE = 20;
    private static final int BESIDE_MAX = 96;
    private static final int WAITING_MAX = 256;

    /**
     * Times as long as a large body took to parse nothing is parsed: to mask, pass on and record it takes several times as long as
     * to parse it, and all that together never takes a core.
     */
    private static final int REST = 9;

    private final int bytesMax;
    private final int smallMax;
    private final Duration readLimit;
    private final Workers workers = new Workers("bodies", 1, RECEIVED_AT_ONCE + BESIDE_MAX);
    private final Places places = new Places(RECEIVED_AT_ONCE);
    private final Places queue = new Places(WAITING_MAX);
    private final Places beside = new Places(BESIDE_MAX);
    private final Deque<Turn> waiting = new ArrayDeque<>();

    /** A large body that waits to be received, until its timer ends. */
    private static final class Turn {
        private final RoutingContext context;
        private final String owner;
        private final Context loop;
        private final Runnable reading;
        private long timer = -1;

        private Turn(RoutingContext context, String owner, Runnable reading) {
            this.context = context;
            this.owner = owner;
            this.loop = context.vertx().getOrCreateContext();
            this.reading = reading;
        }
    }

    /**
     * @param bytesMax largest body, compressed or not
     * @param smallMax bodies of at most this many bytes are read and parsed at once
     * @param readLimit time for a body to arrive, and for one to wait for its turn
     */
    public Bodies(int bytesMax, int smallMax, Duration readLimit) {
        this.bytesMax = bytesMax;
        this.smallMax = smallMax;
        this.readLimit = readLimit;
    }

    /** The body of a request that {@link #read} let pass. */
    public static ObjectNode json(RoutingContext context) {
        ObjectNode json = context.get(JSON);
        if (json == null) {
            throw new IllegalStateException("the body was not read");
        }
        return json;
    }

    /**
     * Reads the body as JSON of at most {@code most} bytes, or what this gateway takes at most if that is less.
     *
     * @param owner whose it is: the large bodies of one do not keep all others out
     */
    public void read(RoutingContext context, int most, String owner) {
        int limit = Math.min(most, bytesMax);
        requireJson(context);
        requireKnownEncoding(context);
        long length = declaredLength(context);
        if (length > limit) {
            throw tooLarge(limit);
        }
        boolean small = length >= 0 && length <= smallMax && !compressed(context);
        if (small || limit <= smallMax) {
            receive(context, limit, () -> parse(context, limit));
            return;
        }
        if (context.request().version() == HttpVersion.HTTP_2) {
            readBeside(context, limit, owner);
            return;
        }
        context.request().pause();
        Turn turn = new Turn(context, owner, () -> {
            receiveLarge(context, limit, once(context, () -> leave(owner)));
            context.request().resume();
        });
        enter(turn);
    }

    /**
     * Streams of one HTTP/2 connection share a window: those that wait unread would starve the one that is read. So
     * they are all read, and of too many the last are refused.
     */
    private void readBeside(RoutingContext context, int limit, String owner) {
        if (!beside.take(owner)) {
            throw Workers.overloaded();
        }
        receiveLarge(context, limit, once(context, () -> beside.give(owner)));
    }

    /** {@code given}, run once: when asked to, or when the request ends before that. */
    private static Runnable once(RoutingContext context, Runnable given) {
        AtomicBoolean done = new AtomicBoolean();
        Runnable once = () -> {
            if (done.compareAndSet(false, true)) {
                given.run();
            }
        };
        context.addEndHandler(_ -> once.run());
        return once;
    }

    private void receiveLarge(RoutingContext context, int limit, Runnable parsed) {
        receive(context, limit, () -> {
            byte[] bytes = bytes(context.body().buffer());
            String encoding = encoding(context);
            workers.run(() -> Json.parse(decoded(bytes, encoding, limit)), REST)
                    .onComplete(_ -> parsed.run())
                    .onSuccess(json -> pass(context, json))
                    .onFailure(context::fail);
        });
    }

    /** Stands for a body that may be left out. */
    public static void none(RoutingContext context) {
        context.put(JSON, Json.object()).next();
    }

    private static ApiException tooLarge(int limit) {
        return ApiException.of(413, "http_413", "The body is too large; at most %d bytes are read.".formatted(limit));
    }

    private void receive(RoutingContext context, int limit, Runnable received) {
        Requests.limitBody(context, readLimit);
        context.addEndHandler(_ -> Requests.received(context));
        context.put("body-received", received);
        BodyHandler.create(false).setBodyLimit(limit).handle(context);
    }

    /** Comes behind {@link #read} on a route: the body is there. */
    public static void received(RoutingContext context) {
        Runnable received = context.remove("body-received");
        Requests.received(context);
        if (received == null) {
            context.next();
        } else {
            received.run();
        }
    }

    private static void parse(RoutingContext context, int limit) {
        byte[] body = bytes(context.body().buffer());
        pass(context, Json.parse(decoded(body, encoding(context), limit)));
    }

    private static byte[] bytes(Buffer body) {
        return body == null ? new byte[0] : body.getBytes();
    }

    private static void pass(RoutingContext context, ObjectNode json) {
        if (!context.response().ended() && !context.response().closed()) {
            context.put(JSON, json).next();
        }
    }

    /** Receives a body once it is its turn; refuses it when that does not come in time. */
    private void enter(Turn turn) {
        synchronized (this) {
            if (!places.take(turn.owner)) {
                if (!queue.take(turn.owner)) {
                    Requests.closeAfterwards(turn.context);
                    throw Workers.overloaded();
                }
                turn.timer = turn.context.vertx().setTimer(readLimit.toMillis(), _ -> giveUp(turn));
                waiting.addLast(turn);
                return;
            }
        }
        turn.reading.run();
    }

    private void giveUp(Turn turn) {
        boolean late;
        synchronized (this) {
            late = waiting.remove(turn);
            if (late) {
                queue.give(turn.owner);
            }
        }
        if (late) {
            Requests.closeAfterwards(turn.context);
            turn.context.fail(Workers.overloaded());
        }
    }

    private void leave(String owner) {
        Turn next;
        synchronized (this) {
            places.give(owner);
            next = waiting.stream()
                    .filter(turn -> places.take(turn.owner))
                    .findFirst()
                    .orElse(null);
            if (next == null) {
                return;
            }
            waiting.remove(next);
            queue.give(next.owner);
        }
        // A timer that stayed would keep the body for as long as it runs.
        next.context.vertx().cancelTimer(next.timer);
        next.loop.runOnContext(_ -> {
            HttpServerResponse response = next.context.response();
            if (response.closed() || response.ended()) {
                leave(next.owner);
            } else {
                next.reading.run();
            }
        });
    }

    private static void requireJson(RoutingContext context) {
        String type = context.request().getHeader("content-type");
        if (MEDIA_TYPE.equals(type)) {
            return;
        }
        String media = type == null ? "" : type.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
        if (!media.equals(MEDIA_TYPE)) {
            throw ApiException.of(415, "unsupported_media_type", "The content type must be application/json.");
        }
    }

    private static String encoding(RoutingContext context) {
        String encoding = context.request().getHeader("content-encoding");
        return encoding == null ? "identity" : encoding.strip().toLowerCase(Locale.ROOT);
    }

    private static boolean compressed(RoutingContext context) {
        return !encoding(context).equals("identity");
    }

    private static void requireKnownEncoding(RoutingContext context) {
        switch (encoding(context)) {
            case "identity", "gzip", "x-gzip", "deflate" -> {}
            default ->
                throw ApiException.of(
                                415,
                                "unsupported_content_encoding",
                                "The content encoding '%s' is not known; send the body plain, or as gzip or deflate."
                                        .formatted(encoding(context)))
                        .with("accept-encoding", "gzip, deflate, identity");
        }
    }

    private static long declaredLength(RoutingContext context) {
        String length = context.request().getHeader("content-length");
        try {
            return length == null ? -1 : Long.parseLong(length);
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    private static byte[] decoded(byte[] body, String encoding, int limit) {
        if (encoding.equals("identity")) {
            return body;
        }
        try (InputStream in = encoding.equals("deflate")
                ? new InflaterInputStream(new ByteArrayInputStream(body))
                : new GZIPInputStream(new ByteArrayInputStream(body))) {
            byte[] plain = in.readNBytes(limit + 1);
            if (plain.length > limit) {
                throw tooLarge(limit);
            }
            return plain;
        } catch (IOException e) {
            throw ApiException.of(
                    400, "invalid_content_encoding", "The body is not %s, as it says.".formatted(encoding));
        }
    }

    @Override
    public void close() {
        workers.close();
    }
}
