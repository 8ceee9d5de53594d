package dev.bellwether.gateway;

import dev.bellwether.gateway.http.InFlight;
import dev.bellwether.gateway.http.Requests;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.RoutingContext;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** What happens with every request: it gets its id, is counted, and keeps a stopping gateway waiting. */
final class EveryRequest implements Handler<RoutingContext> {
    private static final Set<HttpMethod> METHODS =
            Set.of(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.POST, HttpMethod.DELETE, HttpMethod.OPTIONS);

    private final MeterRegistry meters;
    private final InFlight inFlight;
    private final Map<Key, Timer> timers = new ConcurrentHashMap<>();

    private record Key(String method, String route, int status) {}

    EveryRequest(MeterRegistry meters, InFlight inFlight) {
        this.meters = meters;
        this.inFlight = inFlight;
    }

    @Override
    public void handle(RoutingContext context) {
        Timer.Sample sample = Timer.start();
        Requests.begin(context);
        context.addEndHandler(ended -> sample.stop(timer(context)));
        inFlight.enter(context);
        context.next();
    }

    private Timer timer(RoutingContext context) {
        Route route = context.currentRoute();
        Key key = new Key(
                method(context.request().method()),
                route == null ? "none" : String.valueOf(route.getPath()),
                context.response().getStatusCode());
        return timers.computeIfAbsent(
                key,
                made -> Timer.builder("bellwether.http.requests")
                        .tag("method", made.method())
                        .tag("route", made.route())
                        .tag("status", Integer.toString(made.status()))
                        .register(meters));
    }

    /** Anybody may make methods up; only the known ones are counted by name. */
    private static String method(HttpMethod method) {
        return METHODS.contains(method) ? method.name() : "other";
    }
}
