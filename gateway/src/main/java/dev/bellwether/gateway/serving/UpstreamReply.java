package dev.bellwether.gateway.serving;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.gateway.serving.UpstreamPolicy.Connection;
import dev.bellwether.gateway.serving.UpstreamPolicy.Guards;
import io.github.resilience4j.core.IntervalFunction;
import io.github.resilience4j.ratelimiter.RateLimiter;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The answer of an upstream to one request: attempts, each past the bounds, until one begins to reply. Everything runs
 * on the event loop that asked.
 */
final class UpstreamReply implements Policy.Generation, ReplyListener {
    private static final IntervalFunction BACK_OFF =
            IntervalFunction.ofExponentialRandomBackoff(Duration.ofMillis(100), 2, .5, Duration.ofSeconds(2));

    private final Connection connection;
    private final Guards guards;
    private final Ask ask;
    private final Buffer body;
    private final ReplyListener listener;
    private @Nullable UpstreamAttempt attempt;
    private int attempts;
    private long startNanos;
    private State state = State.WAITING;

    private enum State {
        /** No attempt is under way: before the first, or between two. */
        WAITING,
        /** An attempt is under way and has sent nothing. */
        ASKED,
        /** The reply has begun; there is no other attempt any more. */
        BEGUN,
        OVER
    }

    UpstreamReply(Connection connection, Guards guards, Ask ask, Buffer body, ReplyListener listener) {
        this.connection = connection;
        this.guards = guards;
        this.ask = ask;
        this.body = body;
        this.listener = listener;
    }

    void start() {
        guards.budget().deposit();
        if (!guards.bulkhead().tryAcquirePermission()) {
            state = State.OVER;
            listener.onFailure(connection.errors().busy());
            return;
        }
        attempt();
    }

    private void attempt() {
        if (state == State.OVER) {
            return;
        }
        if (ask.deadline().passed()) {
            end();
            listener.onFailure(connection.errors().deadline());
        } else if (!guards.limiter().map(RateLimiter::acquirePermission).orElse(true)) {
            end();
            listener.onFailure(connection.errors().busy());
        } else if (!guards.breaker().tryAcquirePermission()) {
            end();
            listener.onFailure(connection.errors().open(Upstreams.OPEN));
        } else {
            state = State.ASKED;
            attempts++;
            startNanos = System.nanoTime();
            attempt = new UpstreamAttempt(connection, ask, this);
            attempt.start(body);
        }
    }

    private void end() {
        state = State.OVER;
        guards.bulkhead().onComplete();
    }

    @Override
    public void onDelta(int choice, ObjectNode delta, @Nullable ObjectNode beside) {
        if (state != State.OVER) {
            state = State.BEGUN;
            listener.onDelta(choice, delta, beside);
        }
    }

    @Override
    public void onEnd(int choice, GeneratedReply reply) {
        if (state != State.OVER) {
            state = State.BEGUN;
            listener.onEnd(choice, reply);
        }
    }

    @Override
    public void onDone(Totals totals) {
        if (state != State.OVER) {
            guards.breaker().onSuccess(System.nanoTime() - startNanos, TimeUnit.NANOSECONDS);
            end();
            listener.onDone(totals);
        }
    }

    @Override
    public void onFailure(PolicyException failure) {
        if (state == State.OVER) {
            return;
        }
        long took = System.nanoTime() - startNanos;
        switch (failure.blame()) {
            case POLICY -> guards.breaker().onError(took, TimeUnit.NANOSECONDS, failure);
            case REQUEST, EITHER -> guards.breaker().onSuccess(took, TimeUnit.NANOSECONDS);
            case LOAD -> guards.breaker().releasePermission();
        }
        long pauseMillis = BACK_OFF.apply(attempts);
        boolean again = state == State.ASKED
                && failure.mayPass()
                && attempts <= connection.config().limits().retries()
                && pauseMillis < ask.deadline().left().toMillis()
                && guards.budget().withdraw();
        if (again) {
            state = State.WAITING;
            connection.vertx().setTimer(pauseMillis, _ -> attempt());
        } else {
            end();
            listener.onFailure(failure);
        }
    }

    @Override
    public void pause() {
        if (attempt != null) {
            attempt.pause();
        }
    }

    @Override
    public void resume() {
        if (attempt != null) {
            attempt.resume();
        }
    }

    @Override
    public void cancel() {
        if (state == State.OVER) {
            return;
        }
        if (state != State.WAITING) {
            guards.breaker().releasePermission();
        }
        end();
        if (attempt != null) {
            attempt.cancel();
        }
    }
}
