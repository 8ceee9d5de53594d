package dev.bellwether.gateway.http;

import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;

/**
 * Lets web pages of other origins call, where an operator allowed their origin. A preflight carries no key and names no
 * bot, so it is answered by the origins of all bots; what a bot does not allow its pages cannot read.
 *
 * @see <a href="https://fetch.spec.whatwg.org/#http-cors-protocol">Fetch: the CORS protocol</a>
 */
public final class Cors {
    private static final String ALLOW_ORIGIN = "access-control-allow-origin";

    private static final Set<String> HEADERS = Set.of(
            "authorization",
            "content-type",
            "idempotency-key",
            "x-request-id",
            "x-bellwether-key",
            "x-bellwether-visitor");

    private final Supplier<Set<String>> origins;

    /**
     * @param origins as browsers write them, {@code https://shop.example}; {@code *} allows all
     */
    public Cors(Supplier<Set<String>> origins) {
        this.origins = origins;
    }

    /** Adds the headers that let a page read the response, errors included. */
    public void handle(RoutingContext context) {
        String origin = context.request().getHeader("origin");
        HttpServerResponse response = context.response();
        response.putHeader("vary", "origin");
        if (origin != null && allows(origins.get(), origin)) {
            response.putHeader(ALLOW_ORIGIN, origin)
                    .putHeader("access-control-expose-headers", "x-request-id, retry-after, idempotent-replayed");
        }
        context.next();
    }

    /** Answers a preflight. */
    public void preflight(RoutingContext context, String methods) {
        HttpServerResponse response = context.response();
        if (response.headers().contains(ALLOW_ORIGIN)) {
            response.putHeader("access-control-allow-methods", methods)
                    .putHeader("access-control-allow-headers", allowedHeaders(context))
                    .putHeader("access-control-max-age", "600");
        }
        response.setStatusCode(204).end();
    }

    /** Those of this API, and what OpenAI's own clients add. */
    private static String allowedHeaders(RoutingContext context) {
        Set<String> allowed = new TreeSet<>(HEADERS);
        String asked = context.request().getHeader("access-control-request-headers");
        if (asked != null) {
            Arrays.stream(asked.toLowerCase(Locale.ROOT).split(",", -1))
                    .map(String::strip)
                    .filter(name -> name.matches("x-stainless-[a-z-]{1,64}|openai-(organization|project)"))
                    .forEach(allowed::add);
        }
        return String.join(", ", allowed);
    }

    /** Once the bot is known: a page whose origin that bot does not allow cannot read the response. */
    public static void restrict(RoutingContext context, Set<String> ofBot) {
        String origin = context.request().getHeader("origin");
        if (origin != null && !allows(ofBot, origin)) {
            context.response().headers().remove(ALLOW_ORIGIN);
        }
    }

    private static boolean allows(Set<String> origins, String origin) {
        return origins.contains(origin) || origins.contains("*");
    }
}
