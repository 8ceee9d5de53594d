package dev.bellwether.gateway.http;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;

/**
 * The requests that are being answered, so that a gateway that stops can wait for them. Who wants to know of a
 * response's end asks with {@code addEndHandler}, as this does: a handler set on the response itself would replace it.
 */
public final class InFlight {
    private static final Duration RETRY = Duration.ofSeconds(1);

    private final Promise<Void> none = Promise.promise();
    private int count;
    private boolean stopping;

    /** Counts a request in until its response is out; refuses it once the gateway stops. */
    public void enter(RoutingContext context) {
        synchronized (this) {
            if (stopping) {
                Requests.closeAfterwards(context);
                throw ApiException.later(503, "stopping", "The service is stopping; try again.", RETRY);
            }
            count++;
        }
        context.addEndHandler(ended -> leave());
    }

    public synchronized boolean stopping() {
        return stopping;
    }

    public synchronized int count() {
        return count;
    }

    private synchronized void leave() {
        count--;
        if (stopping && count == 0) {
            none.tryComplete();
        }
    }

    /** Lets no more requests in; completes when the last is answered. */
    public synchronized Future<Void> stop() {
        stopping = true;
        if (count == 0) {
            none.tryComplete();
        }
        return none.future();
    }
}
