package dev.bellwether.gateway.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.gateway.bots.ApiKeys.ApiKey;
import dev.bellwether.gateway.bots.ApiKeys.Role;
import dev.bellwether.gateway.bots.Bots;
import dev.bellwether.gateway.chat.ChatHandler;
import dev.bellwether.gateway.feedback.FeedbackHandler;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;

/** The routes of the public port. */
public final class PublicRoutes {
    private static final long BODY_BYTES_MAX = 1_000_000;
    private static final int FEEDBACK_BYTES_MAX = 64 << 10;
    private static final Set<HttpMethod> METHODS =
            Set.of(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.POST, HttpMethod.DELETE, HttpMethod.OPTIONS);

    private final Supplier<Bots> bots;
    private final Authentication authentication;
    private final ChatHandler chat;
    private final FeedbackHandler feedback;
    private final ChatPage page;
    private final MeterRegistry meters;
    private final InFlight inFlight;

    public PublicRoutes(
            Supplier<Bots> bots,
            Authentication authentication,
            ChatHandler chat,
            FeedbackHandler feedback,
            MeterRegistry meters,
            InFlight inFlight) {
        this.bots = bots;
        this.authentication = authentication;
        this.chat = chat;
        this.feedback = feedback;
        this.page = new ChatPage(bots, authentication);
        this.meters = meters;
        this.inFlight = inFlight;
    }

    public Router router(Vertx vertx) {
        Router router = Router.router(vertx);
        router.route().handler(this::identify).failureHandler(ErrorHandler::handle);
        router.post("/v1/feedback").handler(BodyHandler.create(false).setBodyLimit(FEEDBACK_BYTES_MAX));
        router.route().handler(BodyHandler.create(false).setBodyLimit(BODY_BYTES_MAX));
        json(router.post("/v1/chat/completions")).handler(chat::handle);
        json(router.post("/v1/feedback")).handler(feedback::submit);
        router.delete("/v1/feedback/:id").handler(feedback::withdraw);
        router.get("/v1/models").handler(this::models);
        router.get("/").handler(page::html);
        router.get("/page/:file").handler(page::file);
        for (int status : new int[] {400, 404, 405, 408, 413, 415, 500}) {
            router.errorHandler(status, ErrorHandler::handle);
        }
        return router;
    }

    private static Route json(Route route) {
        return route.handler(context -> {
            String type = context.request().getHeader("content-type");
            if (type == null || !type.toLowerCase(Locale.ROOT).startsWith("application/json")) {
                throw ApiException.of(415, "unsupported_media_type", "The content type must be application/json.");
            }
            context.next();
        });
    }

    /** Gives every response its id, and counts it. */
    private void identify(RoutingContext context) {
        Timer.Sample sample = Timer.start();
        context.response().putHeader("x-request-id", UUID.randomUUID().toString());
        context.addEndHandler(ended -> sample.stop(Timer.builder("bellwether.http.requests")
                .tag("method", method(context.request().method()))
                .tag(
                        "route",
                        context.currentRoute() == null
                                ? "none"
                                : String.valueOf(context.currentRoute().getPath()))
                .tag("status", Integer.toString(context.response().getStatusCode()))
                .register(meters)));
        inFlight.enter(context);
        context.next();
    }

    /** Anybody may make methods up; only the known ones are counted by name. */
    private static String method(HttpMethod method) {
        return METHODS.contains(method) ? method.name() : "other";
    }

    private void models(RoutingContext context) {
        ApiKey key = authentication.require(context, Role.CHAT);
        ObjectNode json = Json.object().put("object", "list");
        ArrayNode data = json.putArray("data");
        bots.get().bots().keySet().stream()
                .filter(key::mayUse)
                .sorted()
                .forEach(bot -> data.addObject()
                        .put("id", bot)
                        .put("object", "model")
                        .put("created", 0)
                        .put("owned_by", "bellwether"));
        context.response().putHeader("content-type", "application/json").end(Json.write(json));
    }
}
