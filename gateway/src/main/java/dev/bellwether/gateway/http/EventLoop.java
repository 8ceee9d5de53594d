package dev.bellwether.gateway.http;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;

/** A response is written on its own event loop, whoever completes what it waits for. */
public final class EventLoop {
    private EventLoop() {}

    /** {@code future}, completed on the event loop that asks for it now. */
    @SuppressWarnings("ReferenceEquality")
    public static <T> Future<T> here(Future<T> future) {
        Context loop = Vertx.currentContext();
        if (loop == null) {
            return future;
        }
        Promise<T> promise = Promise.promise();
        future.onComplete(done -> {
            if (Vertx.currentContext() == loop) {
                promise.handle(done);
            } else {
                loop.runOnContext(_ -> promise.handle(done));
            }
        });
        return promise.future();
    }
}
