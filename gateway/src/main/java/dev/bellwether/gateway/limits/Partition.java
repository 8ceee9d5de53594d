package dev.bellwether.gateway.limits;

import dev.bellwether.gateway.http.Workers;
import io.github.resilience4j.bulkhead.Bulkhead;
import io.github.resilience4j.bulkhead.BulkheadConfig;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;

/**
 * The requests of one kind that may be under way at once, so that no kind takes all there is: chats, judgements,
 * operators, and within chats each bot. What is beyond is refused at once.
 */
public final class Partition {
    private final Bulkhead bulkhead;

    public Partition(String name, int most) {
        this.bulkhead = Bulkhead.of(
                name,
                BulkheadConfig.custom()
                        .maxConcurrentCalls(most)
                        .maxWaitDuration(Duration.ZERO)
                        .build());
    }

    /** Takes a place until the response is out; none is left: 429. */
    public void enter(RoutingContext context) {
        if (!bulkhead.tryAcquirePermission()) {
            throw Workers.overloaded();
        }
        context.addEndHandler(_ -> bulkhead.onComplete());
    }
}
