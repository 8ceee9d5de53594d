package dev.bellwether.gateway;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.gateway.access.ApiKeys.ApiKey;
import dev.bellwether.gateway.access.ApiKeys.Role;
import dev.bellwether.gateway.access.Authentication;
import dev.bellwether.gateway.access.Caller;
import dev.bellwether.gateway.access.Visitors;
import dev.bellwether.gateway.bots.Bots;
import dev.bellwether.gateway.chat.ChatHandler;
import dev.bellwether.gateway.erasure.ErasureHandler;
import dev.bellwether.gateway.feedback.FeedbackHandler;
import dev.bellwether.gateway.http.Bodies;
import dev.bellwether.gateway.http.Cors;
import dev.bellwether.gateway.http.Endpoint;
import dev.bellwether.gateway.http.Errors;
import dev.bellwether.gateway.http.Json;
import dev.bellwether.gateway.limits.Partition;
import dev.bellwether.gateway.page.ChatPage;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.util.function.Supplier;

/** The routes of the public port. */
final class PublicRoutes {
    private static final int FEEDBACK_BYTES_MAX = 64 << 10;
    private static final String JUDGES = "judges";

    /** What anybody may send; small enough to be read at once. */
    private static final int VISITOR_BYTES_MAX = 32 << 10;

    private static final int CHATS_MAX = 2_048;
    private static final int JUDGEMENTS_MAX = 1_024;

    private final Supplier<Bots> bots;
    private final Authentication authentication;
    private final Visitors visitors;
    private final ChatHandler chat;
    private final FeedbackHandler feedback;
    private final ErasureHandler erasures;
    private final ChatPage page;
    private final Bodies bodies;
    private final Bodies judgementBodies;
    private final Handler<RoutingContext> everyRequest;

    PublicRoutes(
            Supplier<Bots> bots,
            Authentication authentication,
            Visitors visitors,
            ChatHandler chat,
            FeedbackHandler feedback,
            ErasureHandler erasures,
            ChatPage page,
            Bodies bodies,
            Bodies judgementBodies,
            Handler<RoutingContext> everyRequest) {
        this.bots = bots;
        this.authentication = authentication;
        this.visitors = visitors;
        this.chat = chat;
        this.feedback = feedback;
        this.erasures = erasures;
        this.page = page;
        this.bodies = bodies;
        this.judgementBodies = judgementBodies;
        this.everyRequest = everyRequest;
    }

    Router router(Vertx vertx) {
        Router router = Router.router(vertx);
        Cors cors = new Cors(() -> bots.get().origins());
        Partition chats = new Partition("chats", CHATS_MAX);
        Partition judgements = new Partition("judgements", JUDGEMENTS_MAX);
        router.route().handler(everyRequest).failureHandler(Errors.OPENAI::orShapeOfRoute);
        router.route("/v1/*").handler(cors::handle);
        Endpoint.at(router, "/v1/chat/completions", Errors.OPENAI)
                .on(
                        HttpMethod.POST,
                        authentication::admitCaller,
                        chat::admitVisitor,
                        context -> bodies.read(
                                context,
                                bytesMax(context),
                                Authentication.caller(context).name()),
                        Bodies::received,
                        entering(chats),
                        chat::handle)
                .crossOrigin(cors)
                .only();
        Endpoint.at(router, "/v1/feedback", Errors.PROBLEM)
                .on(
                        HttpMethod.POST,
                        feedback::admit,
                        context -> judgementBodies.read(context, FEEDBACK_BYTES_MAX, JUDGES),
                        Bodies::received,
                        entering(judgements),
                        feedback::submit)
                .crossOrigin(cors)
                .only();
        Endpoint.at(router, "/v1/feedback/:id", Errors.PROBLEM)
                .on(HttpMethod.DELETE, feedback::admit, entering(judgements), feedback::withdraw)
                .crossOrigin(cors)
                .only();
        Endpoint.at(router, "/v1/users/:user", Errors.PROBLEM)
                .on(HttpMethod.DELETE, entering(judgements), erasures::erase)
                .only();
        Endpoint.at(router, "/v1/models", Errors.OPENAI)
                .on(HttpMethod.GET, this::models)
                .crossOrigin(cors)
                .only();
        Endpoint.at(router, "/v1/models/:bot", Errors.OPENAI)
                .on(HttpMethod.GET, this::model)
                .crossOrigin(cors)
                .only();
        Endpoint.at(router, "/v1/visitors", Errors.PROBLEM)
                .on(HttpMethod.POST, authentication::admitCaller, chat::admitVisitor, this::visitor)
                .on(
                        HttpMethod.DELETE,
                        authentication::admitCaller,
                        chat::admitVisitor,
                        entering(judgements),
                        erasures::eraseVisitor)
                .crossOrigin(cors)
                .only();
        Endpoint.at(router, "/", Errors.OPENAI).on(HttpMethod.GET, page::html).only();
        Endpoint.at(router, "/openapi.yaml", Errors.OPENAI)
                .on(
                        HttpMethod.GET,
                        context -> context.response()
                                .putHeader("content-type", "application/yaml")
                                .sendFile("openapi.yaml"))
                .only();
        Endpoint.at(router, "/page/:file", Errors.OPENAI)
                .on(HttpMethod.GET, page::file)
                .only();
        for (int status : new int[] {400, 404, 405, 408, 413, 415, 500}) {
            router.errorHandler(status, Errors.OPENAI::orShapeOfRoute);
        }
        return router;
    }

    private static int bytesMax(RoutingContext context) {
        return Authentication.caller(context) instanceof Caller.Visitor ? VISITOR_BYTES_MAX : Integer.MAX_VALUE;
    }

    private static Handler<RoutingContext> entering(Partition partition) {
        return context -> {
            partition.enter(context);
            context.next();
        };
    }

    private void models(RoutingContext context) {
        ApiKey key = authentication.require(context, Role.CHAT);
        ObjectNode json = Json.object().put("object", "list");
        ArrayNode data = json.putArray("data");
        bots.get().bots().keySet().stream().filter(key::mayUse).sorted().forEach(bot -> data.add(model(bot)));
        reply(context, json);
    }

    private void model(RoutingContext context) {
        ApiKey key = authentication.require(context, Role.CHAT);
        String bot = context.pathParam("bot");
        if (bot == null || bots.get().find(bot).isEmpty() || !key.mayUse(bot)) {
            throw Authentication.unknownBot(String.valueOf(bot));
        }
        reply(context, model(bot));
    }

    private static ObjectNode model(String bot) {
        return Json.object()
                .put("id", bot)
                .put("object", "model")
                .put("created", 0)
                .put("owned_by", "bellwether");
    }

    /** {@code POST /v1/visitors}: a token by which a page of another origin is known again. */
    private void visitor(RoutingContext context) {
        reply(context, Json.object().put("visitor_token", visitors.issue()));
    }

    private static void reply(RoutingContext context, ObjectNode json) {
        context.response().putHeader("content-type", "application/json").end(Json.write(json));
    }
}
