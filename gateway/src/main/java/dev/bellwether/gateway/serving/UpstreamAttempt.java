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
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One HTTP exchange with an upstream, ended by its answer, its silence, or its caller. */
final class UpstreamAttempt {
    private static final String PATH = "/chat/completions";
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
    private boolean over;
    private int redirects;

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
        String secret = connection.secret();
        if (key != null && secret != null) {
            if (key.header() == null) {
                options.putHeader("authorization", "Bearer " + secret);
            } else {
                options.putHeader(key.header(), secret);
            }
        }
        return options;
    }

    private void respond(HttpClientResponse response, Buffer body) {
        if (over) {
            return;
        }
        int status = response.statusCode();
        String location = response.getHeader("location");
        boolean redirected = (status == 307 || status == 308) && location != null;
        if (redirected && connection.config().followRedirects() && redirects++ < REDIRECTS_MAX) {
            collect(
                    response,
                    ERROR_BYTES_MAX,
                    _ -> send(connection.address().redirect(connection.vertx(), String.valueOf(location)), body));
        } else if (status != 200) {
            collect(response, ERROR_BYTES_MAX, said -> fail(connection.errors().status(response, said)));
        } else if (streams(response)) {
            follow(response);
        } else {
            collect(response, REPLY_BYTES_MAX, this::take);
        }
    }

    private void take(Buffer whole) {
        UpstreamAnswer answer = new UpstreamAnswer(ask, connection.errors(), listener);
        try {
            answer.takeWhole(whole);
            answer.tell(this::end, this::fail);
        } catch (PolicyException e) {
            fail(e);
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
        response.exceptionHandler(_ -> fail(connection.errors().brokeOff()));
        response.handler(piece -> {
            if (over) {
                return;
            }
            bytes[0] += piece.length();
            try {
                if (bytes[0] > REPLY_BYTES_MAX) {
                    throw new EventReader.EventTooLargeException();
                }
                for (String event : reader.read(piece)) {
                    answer.take(event);
                }
            } catch (PolicyException e) {
                fail(e);
            } catch (EventReader.EventTooLargeException e) {
                fail(connection.errors().garbage(String.valueOf(e.getMessage())));
            }
            if (answer.begun()) {
                heard = true;
                activeNanos = System.nanoTime();
            }
            if (answer.complete()) {
                answer.tell(this::end, this::fail);
            }
        });
        response.endHandler(_ -> {
            try {
                reader.end().forEach(answer::take);
                answer.tell(this::end, this::fail);
            } catch (PolicyException e) {
                fail(e);
            }
        });
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
            Duration left = limit().minusNanos(System.nanoTime() - activeNanos);
            if (ask.deadline().passed()) {
                fail(connection.errors().deadline());
            } else if (left.toMillis() <= 0) {
                fail(connection.errors().late(heard ? "further token" : ask.stream() ? "token" : "reply", limit()));
            } else {
                watch(left);
            }
        });
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

    private void finish(boolean abandon) {
        over = true;
        connection.vertx().cancelTimer(timer);
        if (abandon && request != null) {
            request.reset();
        }
    }

    void cancel() {
        if (!over) {
            finish(true);
        }
    }
}
