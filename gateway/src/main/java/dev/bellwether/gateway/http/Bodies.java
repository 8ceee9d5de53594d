package dev.bellwether.gateway.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.buffer.Buffer;
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
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPInputStream;
import java.util.zip.InflaterInputStream;

/**
 * Reads JSON bodies. What is small is read at once. Large bodies, and those that do not say how large they are, are
 * read and parsed one after another, away from the event loops and with rests between, while the others wait unread: so
 * their senders wait, and nobody else does.
 */
public final class Bodies implements AutoCloseable {
    private static final String JSON = "body-json";
    private static final String TOOK = "body-nanos";
    private static final String MEDIA_TYPE = "application/json";
    private static final int SMALL = 32 << 10;
    private static final int LARGE_AT_ONCE = 1;
    private static final int REST = 4;
    private static final int BESIDE_MAX = 64;
    private static final int WAITING_MAX = 256;

    private final int bytesMax;
    private final Duration readLimit;
    private final Workers workers = new Workers("bodies", 1, LARGE_AT_ONCE + BESIDE_MAX);
    private final AtomicInteger beside = new AtomicInteger();
    private final Deque<Runnable> waiting = new ArrayDeque<>();
    private int large;

    /**
     * @param bytesMax largest body, compressed or not
     * @param readLimit time for a body to arrive, from its turn on
     */
    public Bodies(int bytesMax, Duration readLimit) {
        this.bytesMax = bytesMax;
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

    /** Reads the body as JSON of at most {@code most} bytes, or what this gateway takes at most if that is less. */
    public void read(RoutingContext context, int most) {
        int limit = Math.min(most, bytesMax);
        requireJson(context);
        requireKnownEncoding(context);
        long length = declaredLength(context);
        if (length > limit) {
            throw tooLarge(limit);
        }
        if (length >= 0 && length <= SMALL && !compressed(context)) {
            receive(context, limit, () -> parse(context, context.body().buffer()));
            return;
        }
        if (context.request().version() == HttpVersion.HTTP_2) {
            readBeside(context, limit);
            return;
        }
        context.request().pause();
        enter(context, () -> {
            receiveLarge(context, limit);
            context.request().resume();
        });
    }

    /**
     * Streams of one HTTP/2 connection share a window: those that wait unread would starve the one that is read. So
     * they are all read, and of too many the last are refused.
     */
    private void readBeside(RoutingContext context, int limit) {
        if (beside.incrementAndGet() > BESIDE_MAX) {
            beside.decrementAndGet();
            throw Workers.overloaded();
        }
        context.addEndHandler(_ -> beside.decrementAndGet());
        receiveLarge(context, limit);
    }

    private void receiveLarge(RoutingContext context, int limit) {
        receive(context, limit, () -> {
            byte[] bytes = bytes(context.body().buffer());
            String encoding = encoding(context);
            long start = System.nanoTime();
            workers.run(() -> Json.parse(decoded(bytes, encoding, limit)))
                    .onComplete(_ -> context.put(TOOK, System.nanoTime() - start))
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

    private static void parse(RoutingContext context, Buffer body) {
        pass(context, Json.parse(bytes(body)));
    }

    private static byte[] bytes(Buffer body) {
        return body == null ? new byte[0] : body.getBytes();
    }

    private static void pass(RoutingContext context, ObjectNode json) {
        if (!context.response().ended() && !context.response().closed()) {
            context.put(JSON, json).next();
        }
    }

    /** Runs {@code reading} once it is this request's turn. */
    private void enter(RoutingContext context, Runnable reading) {
        var loop = context.vertx().getOrCreateContext();
        boolean now;
        synchronized (this) {
            now = large < LARGE_AT_ONCE;
            if (now) {
                large++;
            } else if (waiting.size() < WAITING_MAX) {
                waiting.addLast(() -> loop.runOnContext(_ -> turn(context, reading)));
            } else {
                Requests.closeAfterwards(context);
                throw Workers.overloaded();
            }
        }
        if (now) {
            turn(context, reading);
        }
    }

    private void turn(RoutingContext context, Runnable reading) {
        if (context.response().closed() || context.response().ended()) {
            leave();
            return;
        }
        context.addEndHandler(_ -> rest(context));
        reading.run();
    }

    /** Gives the place on after a rest four times as long as the work was, so that large bodies never take a core. */
    private void rest(RoutingContext context) {
        Long took = context.get(TOOK);
        long millis = took == null ? 0 : REST * took / 1_000_000;
        if (millis == 0) {
            leave();
        } else {
            context.vertx().setTimer(millis, _ -> leave());
        }
    }

    private void leave() {
        Runnable next;
        synchronized (this) {
            next = waiting.pollFirst();
            if (next == null) {
                large--;
            }
        }
        if (next != null) {
            next.run();
        }
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
