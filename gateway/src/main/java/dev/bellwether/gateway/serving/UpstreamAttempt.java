package dev.bellwether.gateway.serving;

import dev.bellwether.gateway.serving.UpstreamPolicy.Connection;
import dev.bellwether.policy.checkpoint.UpstreamConfig;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One HTTP exchange with an upstream, ended by its answer, its silence, or its caller. */
final class UpstreamAttempt {
    private static final Logger LOG = LoggerFactory.getLogger(UpstreamAttempt.class);
    private static final String PATH = "/chat/completions";

    /** How long a service may take to close what is finished. */
    private static final Duration GRACE = Duration.ofSeconds(1);

    private static final Duration SILENCE = Duration.ofSeconds(5);
    private static final int REDIRECTS_MAX = 3;
    private static final int ERROR_BYTES_MAX = 64 << 10;
    private static final int REPLY_BYTES_MAX = 8 << 20;

    private final Connection connection;
    private final UpstreamConfig.Limits limits;
    private final Ask ask;
    private final ReplyListener listener;
    private @Nullable HttpClientRequest request;
    private long timer = -1;
    private long activeNanos = System.nanoTime();
    private boolean heard;
    private boolean paused;
    private boolean finishing;
    private boolean over;
    private int redirects;
    private @Nullable HttpClientResponse response;
    private @Nullable UpstreamAnswer following;
    private boolean responseEnded;

    UpstreamAttempt(Connection connection, Ask ask, ReplyListener listener) {
        this.connection = connection;
        this.limits = connection.config().limits();
        this.ask = ask;
        this.listener = listener;
    }

    void start(Buffer body) {
        watch(limit());
        send(connection.address().request(connection.vertx(), PATH), body);
    }

    private void send(Future<RequestOptions> where, Buffer body) {
        where.compose(options -> connection.client().request(prepared(options)))
                .compose(opened -> {
                    request = opened;
                    if (over) {
                        opened.reset();
                        return Future.failedFuture("cancelled");
                    }
                    return opened.send(body);
                })
                .onSuccess(response -> respond(response, body))
                .onFailure(failure -> fail(connection.errors().unreachable(failure)));
    }

    private RequestOptions prepared(RequestOptions options) {
        options.setMethod(HttpMethod.POST)
                .setConnectTimeout(limits.connect().toMillis())
                .setFollowRedirects(false)
                .putHeader("content-type", "application/json")
                .putHeader("accept", ask.stream() ? "text/event-stream" : "application/json");
        UpstreamConfig.Key key = connection.config().key();
        String secret = connection.secret().get();
        if (key != null && secret != null) {
            if (key.header() == null) {
                options.putHeader("authorization", "Bearer " + secret);
            } else {
                options.putHeader(key.header(), secret);
            }
        }
        return options;
    }

    private void respond(HttpClientResponse answered, Buffer body) {
        if (over) {
            return;
        }
        response = answered;
        responseEnded = false;
        int status = answered.statusCode();
        String location = answered.getHeader("location");
        boolean redirected = (status == 307 || status == 308) && location != null;
        if (redirected && connection.config().followRedirects() && redirects++ < REDIRECTS_MAX) {
            collect(
                    response,
                    ERROR_BYTES_MAX,
                    _ -> send(connection.address().redirect(connection.vertx(), String.valueOf(location)), body));
        } else if (status != 200) {
            collect(
                    answered,
                    ERROR_BYTES_MAX,
                    said -> fail(connection.errors().status(answered, said, this::ofVersion)));
        } else if (streams(answered)) {
            follow(answered);
        } else {
            collect(answered, REPLY_BYTES_MAX, this::take);
        }
    }

    /** Whether the version, not the caller, set a field. */
    private boolean ofVersion(String field) {
        return field.equals("model")
                || (connection.config().sampling().has(field) && !ask.body().hasNonNull(field));
    }

    private void take(Buffer whole) {
        UpstreamAnswer answer = new UpstreamAnswer(ask, connection.errors(), listener);
        guarded(() -> {
            answer.takeWhole(whole);
            answer.tell(this::end, this::fail);
        });
    }

    /** Whatever a service sends, its request ends. */
    private void guarded(Runnable reading) {
        try {
            reading.run();
        } catch (PolicyException e) {
            fail(e);
        } catch (RuntimeException e) {
            LOG.warn("an upstream's answer was not understood", e);
            fail(connection
                    .errors()
                    .garbage(
                            e instanceof EventReader.EventTooLargeException
                                    ? String.valueOf(e.getMessage())
                                    : "it was not understood"));
        }
    }

    private static boolean streams(HttpClientResponse response) {
        String type = response.getHeader("content-type");
        return type != null && type.toLowerCase(Locale.ROOT).startsWith("text/event-stream");
    }

    private void follow(HttpClientResponse response) {
        UpstreamAnswer answer = new UpstreamAnswer(ask, connection.errors(), listener);
        EventReader reader = new EventReader();
        long[] bytes = new long[1];
        following = answer;
        response.exceptionHandler(_ -> fail(connection.errors().brokeOff()));
        response.handler(piece -> {
            if (!over) {
                bytes[0] += piece.length();
                guarded(() -> follow(piece, bytes[0], reader, answer));
            }
        });
        response.endHandler(_ -> {
            responseEnded();
            guarded(() -> {
                reader.end().forEach(answer::take);
                answer.tell(this::end, this::fail);
            });
        });
    }

    private void follow(Buffer piece, long bytes, EventReader reader, UpstreamAnswer answer) {
        if (bytes > REPLY_BYTES_MAX) {
            throw new EventReader.EventTooLargeException();
        }
        List<String> events = reader.read(piece);
        events.forEach(answer::take);
        if (answer.begun() && !events.isEmpty()) {
            activeNanos = System.nanoTime();
            if (!heard) {
                heard = true;
                connection.vertx().cancelTimer(timer);
                watch(limit());
            }
        }
        if (answer.complete()) {
            answer.tell(this::end, this::fail);
        } else if (answer.ended(true) && !over && !finishing) {
            // All that was asked for is there; a count of tokens may follow, an end need not.
            finishing = true;
            connection.vertx().cancelTimer(timer);
            timer = connection.vertx().setTimer(GRACE.toMillis(), _ -> answer.tell(this::end, this::fail));
        }
    }

    /** The whole body, of which no more than {@code most} bytes are read. */
    private void collect(HttpClientResponse response, int most, Consumer<Buffer> then) {
        Buffer all = Buffer.buffer();
        response.exceptionHandler(_ -> fail(connection.errors().brokeOff()));
        response.handler(piece -> {
            if (over) {
                return;
            }
            if (all.length() + piece.length() > most) {
                fail(connection.errors().garbage("more than %d bytes".formatted(most)));
            } else {
                all.appendBuffer(piece);
            }
        });
        response.endHandler(_ -> {
            responseEnded();
            if (!over) {
                then.accept(all);
            }
        });
    }

    private Duration limit() {
        return heard ? limits.betweenTokens() : ask.stream() ? limits.firstToken() : limits.reply();
    }

    /** One timer, set anew when it finds that something came in the meantime. */
    private void watch(Duration wait) {
        long millis =
                Math.max(1, Math.min(wait.toMillis(), ask.deadline().left().toMillis()));
        timer = connection.vertx().setTimer(millis, _ -> {
            if (over) {
                return;
            }
            if (paused) {
                activeNanos = System.nanoTime();
            }
            Duration left = limit().minusNanos(System.nanoTime() - activeNanos);
            if (following != null && following.ended(false) && left.toMillis() <= 0) {
                following.tell(this::end, this::fail);
            } else if (left.toMillis() <= 0 || (ask.deadline().passed() && silent())) {
                fail(connection.errors().late(heard ? "further token" : ask.stream() ? "token" : "reply", limit()));
            } else if (ask.deadline().passed()) {
                fail(connection.errors().deadline());
            } else {
                watch(left);
            }
        });
    }

    /** Whether nothing has come for long enough to be the service's fault, whatever time the request had left. */
    private boolean silent() {
        return System.nanoTime() - activeNanos > SILENCE.toNanos();
    }

    void pause() {
        if (response != null && !over) {
            paused = true;
            response.pause();
        }
    }

    void resume() {
        if (response != null && paused) {
            paused = false;
            response.resume();
        }
    }

    private void end(Totals totals) {
        if (!over) {
            finish(false);
            listener.onDone(totals);
        }
    }

    private void fail(PolicyException failure) {
        if (!over) {
            finish(true);
            listener.onFailure(failure);
        }
    }

    private void responseEnded() {
        responseEnded = true;
        if (over) {
            connection.vertx().cancelTimer(timer);
        }
    }

    private void finish(boolean abandon) {
        over = true;
        connection.vertx().cancelTimer(timer);
        HttpClientRequest open = request;
        if (open == null || responseEnded) {
            return;
        }
        if (abandon) {
            open.reset();
        } else {
            // A service that has said all may leave its response open: the connection is not worth keeping then.
            timer = connection.vertx().setTimer(GRACE.toMillis(), _ -> open.reset());
        }
    }

    void cancel() {
        if (!over) {
            finish(true);
        }
    }
}
