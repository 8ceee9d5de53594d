package dev.bellwether.gateway.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.gateway.http.ApiException;
import dev.bellwether.gateway.http.Requests;
import dev.bellwether.gateway.serving.GeneratedReply;
import dev.bellwether.gateway.serving.PolicyException;
import dev.bellwether.gateway.serving.Replies;
import dev.bellwether.gateway.serving.ReplyListener;
import dev.bellwether.gateway.serving.Totals;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One chat request under way: what its policy says reaches the reader and the record. Runs on its event loop. */
final class Exchange implements ReplyListener {
    private static final Logger LOG = LoggerFactory.getLogger(Exchange.class);

    private static final Duration RETRY = Duration.ofSeconds(1);

    private final RoutingContext context;
    private final ReplySink sink;
    private final Recorder recorder;
    private final Recorder.Subject subject;
    private final long startNanos = System.nanoTime();
    private final SortedMap<Integer, GeneratedReply> replies = new TreeMap<>();
    private @Nullable Replies asked;
    private long firstNanos;

    /** The reply that ended last; its end is told with the token. */
    private int lastEnded = -1;

    private State state = State.GENERATING;

    private enum State {
        GENERATING,
        /** All is generated and waits to be durable. */
        RECORDING,
        OVER
    }

    Exchange(RoutingContext context, ReplySink sink, Recorder recorder, Recorder.Subject subject) {
        this.context = context;
        this.sink = sink;
        this.recorder = recorder;
        this.subject = subject;
    }

    /**
     * Asks {@code versions}, whose replies come here.
     *
     * @param limit time after which the request ends, whatever the versions do
     */
    void start(Replies versions, Duration limit) {
        asked = versions;
        long timer = context.vertx().setTimer(Math.max(1, limit.toMillis()), _ -> late());
        context.addEndHandler(ended -> {
            context.vertx().cancelTimer(timer);
            if (ended.failed()) {
                abandon();
            }
        });
        versions.start();
        if (context.response().closed()) {
            abandon();
        }
    }

    private void late() {
        if (state == State.GENERATING && asked != null) {
            PolicyException late = PolicyException.load(ApiException.later(
                    503, "deadline_exceeded", "The reply was not ready in time; try again shortly.", RETRY));
            asked.expire(late);
            onFailure(late);
        }
    }

    @Override
    public void onDelta(int choice, ObjectNode delta, @Nullable ObjectNode beside) {
        if (state != State.GENERATING) {
            return;
        }
        heard();
        sink.delta(choice, delta, beside);
        Replies versions = asked;
        if (versions != null && context.response().writeQueueFull()) {
            versions.pause();
            context.response().drainHandler(_ -> versions.resume());
        }
    }

    private void heard() {
        if (firstNanos == 0) {
            firstNanos = System.nanoTime();
        }
    }

    @Override
    public void onEnd(int choice, GeneratedReply reply) {
        if (state != State.GENERATING) {
            return;
        }
        heard();
        GeneratedReply before = replies.get(lastEnded);
        if (before != null) {
            sink.end(lastEnded, before);
        }
        replies.put(choice, reply);
        lastEnded = choice;
    }

    @Override
    public void onDone(Totals totals) {
        if (state != State.GENERATING) {
            return;
        }
        state = State.RECORDING;
        if (asked != null) {
            asked.rivalFailure().ifPresent(this::warn);
        }
        Future<Optional<String>> recorded;
        try {
            recorded = recorder.complete(subject, outcome(totals));
        } catch (RuntimeException e) {
            LOG.error("{}: an interaction cannot be recorded", Requests.describe(context), e);
            recorded = Future.succeededFuture(Optional.empty());
        }
        recorded.onSuccess(token -> {
            if (state == State.RECORDING) {
                state = State.OVER;
                sink.finish(replies, lastEnded, totals, token.orElse(null));
            }
        });
    }

    @Override
    public void onFailure(PolicyException failure) {
        if (state != State.GENERATING) {
            return;
        }
        state = State.OVER;
        failures().forEach(this::warn);
        if (failure.blame() != PolicyException.Blame.REQUEST) {
            recorder.incomplete(subject, outcome(Totals.of(0, 0)));
        }
        sink.fail(failure.answer());
    }

    private void warn(Replies.Failure failure) {
        LOG.warn(
                "{}: version {}: {}",
                Requests.describe(context),
                failure.version(),
                subject.masking().text(String.valueOf(failure.reason().getMessage())));
    }

    /** The reader left: what is under way ends, and the interaction counts as incomplete. */
    private void abandon() {
        if (state == State.GENERATING) {
            state = State.OVER;
            if (asked != null) {
                asked.cancel();
            }
            // Not among the handlers of the response's end: those behind this one must run, whatever comes of it.
            context.vertx().runOnContext(_ -> recorder.incomplete(subject, outcome(Totals.of(0, 0))));
        }
        state = State.OVER;
    }

    private List<Replies.Failure> failures() {
        return asked == null ? List.of() : asked.failures();
    }

    private Recorder.Outcome outcome(Totals totals) {
        long now = System.nanoTime();
        Replies versions = asked;
        return new Recorder.Outcome(
                versions == null ? subject.assignment().version() : versions.version(),
                versions == null
                        ? List.of()
                        : replies.keySet().stream().map(versions::version).toList(),
                failures(),
                versions == null ? Optional.empty() : versions.rivalFailure(),
                replies.values(),
                totals,
                Duration.ofNanos(firstNanos == 0 ? 0 : firstNanos - startNanos),
                Duration.ofNanos(now - startNanos));
    }
}
