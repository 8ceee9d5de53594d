package dev.bellwether.gateway.http;

import io.vertx.core.Handler;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** One path of a router: its methods, the shape of its errors, and 405 with {@code Allow} for everything else. */
public final class Endpoint {
    private final Router router;
    private final String path;
    private final List<HttpMethod> methods = new ArrayList<>();

    private Endpoint(Router router, String path) {
        this.router = router;
        this.path = path;
    }

    public static Endpoint at(Router router, String path, Errors errors) {
        router.route(path).handler(errors::shape);
        return new Endpoint(router, path);
    }

    /** Handlers of one method, in their order; those of GET answer HEAD, too. */
    @SafeVarargs
    @SuppressWarnings("varargs")
    public final Endpoint on(HttpMethod method, Handler<RoutingContext>... handlers) {
        Route route = router.route(path).method(method);
        methods.add(method);
        if (method.equals(HttpMethod.GET)) {
            route.method(HttpMethod.HEAD);
            methods.add(HttpMethod.HEAD);
        }
        for (Handler<RoutingContext> handler : handlers) {
            route.handler(handler);
        }
        return this;
    }

    /** Answers preflights from other origins. */
    public Endpoint crossOrigin(Cors cors) {
        methods.add(HttpMethod.OPTIONS);
        String allowed = allowed();
        router.route(path).method(HttpMethod.OPTIONS).handler(context -> cors.preflight(context, allowed));
        return this;
    }

    /** Nothing but what was said is done here. */
    public void only() {
        String allowed = allowed();
        router.route(path).handler(context -> {
            throw ApiException.of(
                            405,
                            "method_not_allowed",
                            "%s is not done here; %s is."
                                    .formatted(context.request().method(), allowed))
                    .with("allow", allowed);
        });
    }

    private String allowed() {
        return methods.stream().map(HttpMethod::name).collect(Collectors.joining(", "));
    }
}
