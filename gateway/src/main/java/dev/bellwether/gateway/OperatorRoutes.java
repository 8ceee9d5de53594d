package dev.bellwether.gateway;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.gateway.http.Bodies;
import dev.bellwether.gateway.http.Endpoint;
import dev.bellwether.gateway.http.Errors;
import dev.bellwether.gateway.http.InFlight;
import dev.bellwether.gateway.http.Json;
import dev.bellwether.gateway.limits.Partition;
import dev.bellwether.gateway.rollout.OperatorHandler;
import dev.bellwether.gateway.rollout.RolloutFollower;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.util.function.LongSupplier;

/** The routes of the operators' port. */
final class OperatorRoutes {
    private static final int OPERATORS_MAX = 64;

    private final OperatorHandler operators;
    private final RolloutFollower rollouts;
    private final LongSupplier spooled;
    private final PrometheusMeterRegistry meters;
    private final InFlight inFlight;
    private final Bodies bodies;
    private final Handler<RoutingContext> everyRequest;

    OperatorRoutes(
            OperatorHandler operators,
            RolloutFollower rollouts,
            LongSupplier spooled,
            PrometheusMeterRegistry meters,
            InFlight inFlight,
            Bodies bodies,
            Handler<RoutingContext> everyRequest) {
        this.operators = operators;
        this.rollouts = rollouts;
        this.spooled = spooled;
        this.meters = meters;
        this.inFlight = inFlight;
        this.bodies = bodies;
        this.everyRequest = everyRequest;
    }

    Router router(Vertx vertx) {
        Router router = Router.router(vertx);
        Partition places = new Partition("operators", OPERATORS_MAX);
        router.get("/healthz").handler(context -> context.response().end("ok\n"));
        router.get("/readyz").handler(this::ready);
        router.route().handler(everyRequest).failureHandler(Errors.PROBLEM::orShapeOfRoute);
        router.route("/operator/*").handler(context -> {
            places.enter(context);
            context.next();
        });
        at(router, "/bots/:bot").on(HttpMethod.GET, operators::state).only();
        at(router, "/bots/:bot/versions")
                .on(HttpMethod.GET, operators::versions)
                .only();
        at(router, "/bots/:bot/events").on(HttpMethod.GET, operators::history).only();
        at(router, "/bots/:bot/rollout/:action")
                .on(HttpMethod.POST, this::optionalBody, Bodies::received, operators::command)
                .only();
        at(router, "/bots/:bot/refresh").on(HttpMethod.POST, operators::refresh).only();
        at(router, "/refreshes").on(HttpMethod.GET, operators::refreshes).only();
        Endpoint.at(router, "/metrics", Errors.PROBLEM)
                .on(
                        HttpMethod.GET,
                        context -> context.response()
                                .putHeader("content-type", "text/plain; version=0.0.4; charset=utf-8")
                                .end(meters.scrape()))
                .only();
        for (int status : new int[] {400, 404, 405, 408, 413, 415, 500}) {
            router.errorHandler(status, Errors.PROBLEM::orShapeOfRoute);
        }
        return router;
    }

    private static Endpoint at(Router router, String path) {
        return Endpoint.at(router, "/operator/v1" + path, Errors.PROBLEM);
    }

    /** A command says what it must; an empty body says nothing more. */
    private void optionalBody(RoutingContext context) {
        String length = context.request().getHeader("content-length");
        boolean chunked = context.request().getHeader("transfer-encoding") != null;
        if (!chunked && (length == null || length.equals("0"))) {
            Bodies.none(context);
        } else {
            bodies.read(context, Integer.MAX_VALUE, "operators");
        }
    }

    private void ready(RoutingContext context) {
        boolean stopping = inFlight.stopping();
        boolean ready = rollouts.ready() && !stopping;
        boolean whole = rollouts.connected() && rollouts.enginesReady();
        String status = stopping ? "stopping" : !ready ? "starting" : whole ? "ready" : "degraded";
        ObjectNode json = Json.object()
                .put("status", status)
                .put("kafka", rollouts.connected())
                .put("engines", rollouts.enginesReady())
                .put("spooled", spooled.getAsLong());
        ObjectNode memory = json.putObject("model_memory").put("bytes_max", rollouts.memoryBytesMax());
        ArrayNode versions = memory.putArray("versions");
        rollouts.loadedVersions()
                .forEach(each -> versions.addObject()
                        .put("bot", each.bot())
                        .put("version", each.version())
                        .put("bytes", each.memoryBytes()));
        context.response()
                .setStatusCode(ready ? 200 : 503)
                .putHeader("content-type", "application/json")
                .end(Json.write(json));
    }
}
