package dev.bellwether.gateway.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.gateway.rollout.OperatorHandler;
import dev.bellwether.gateway.rollout.RolloutFollower;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.Vertx;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;

/** The routes of the operators' port. */
public final class OperatorRoutes {
    private static final long BODY_BYTES_MAX = 100_000;

    private final OperatorHandler operators;
    private final RolloutFollower rollouts;
    private final PrometheusMeterRegistry meters;
    private final InFlight inFlight;

    public OperatorRoutes(
            OperatorHandler operators, RolloutFollower rollouts, PrometheusMeterRegistry meters, InFlight inFlight) {
        this.inFlight = inFlight;
        this.operators = operators;
        this.rollouts = rollouts;
        this.meters = meters;
    }

    public Router router(Vertx vertx) {
        Router router = Router.router(vertx);
        router.route()
                .handler(BodyHandler.create(false).setBodyLimit(BODY_BYTES_MAX))
                .failureHandler(ErrorHandler::handle);
        router.get("/operator/v1/bots/:bot").handler(operators::state);
        router.get("/operator/v1/bots/:bot/events").handler(operators::history);
        router.post("/operator/v1/bots/:bot/rollout/:action").handler(operators::command);
        router.post("/operator/v1/bots/:bot/refresh").handler(operators::refresh);
        router.get("/operator/v1/refreshes").handler(operators::refreshes);
        router.get("/healthz").handler(context -> context.response().end("ok\n"));
        router.get("/readyz").handler(this::ready);
        router.get("/metrics")
                .handler(context -> context.response()
                        .putHeader("content-type", "text/plain; version=0.0.4; charset=utf-8")
                        .end(meters.scrape()));
        for (int status : new int[] {400, 404, 405, 413, 500}) {
            router.errorHandler(status, ErrorHandler::handle);
        }
        return router;
    }

    private void ready(RoutingContext context) {
        boolean stopping = inFlight.stopping();
        boolean ready = rollouts.ready() && !stopping;
        String status = stopping ? "stopping" : !ready ? "starting" : rollouts.connected() ? "ready" : "degraded";
        ObjectNode json = Json.object().put("status", status).put("kafka", rollouts.connected());
        context.response()
                .setStatusCode(ready ? 200 : 503)
                .putHeader("content-type", "application/json")
                .end(Json.write(json));
    }
}
