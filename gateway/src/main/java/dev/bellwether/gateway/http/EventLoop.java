package dev.bellwether.gateway.http;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.internal.ContextInternal;

/** A response is written on its own event loop, whoever completes what it waits for. */
public final class EventLoop {
    private EventLoop() {}

    /** {@code future}, completed on the event loop that asks for it now; so is what is made of it. */
    public static <T> Future<T> here(Future<T> future) {
        if (!(Vertx.currentContext() instanceof ContextInternal loop)) {
            return future;
        }
        Promise<T> promise = loop.promise();
        future.onComplete(promise);
        return promise.future();
    }
}
