package dev.bellwether.gateway.page;

import dev.bellwether.gateway.access.Authentication;
import dev.bellwether.gateway.access.Visitors;
import dev.bellwether.gateway.bots.Bots;
import dev.bellwether.gateway.http.ApiException;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** The page at {@code /} where end users chat with a bot; it carries a key that is good for that bot's chat alone. */
public final class ChatPage {
    private static final Map<String, String> FILES = Map.of(
            "chat.js", "text/javascript; charset=utf-8",
            "chat.css", "text/css; charset=utf-8");
    private static final String POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'";

    private final Supplier<Bots> bots;
    private final Authentication authentication;
    private final Visitors visitors;

    public ChatPage(Supplier<Bots> bots, Authentication authentication, Visitors visitors) {
        this.bots = bots;
        this.authentication = authentication;
        this.visitors = visitors;
    }

    public void html(RoutingContext context) {
        String wanted = context.request().getParam("bot");
        Optional<Map.Entry<String, Bots.Bot>> bot = bots.get().bots().entrySet().stream()
                .filter(entry -> entry.getValue().chat().page())
                .filter(entry -> wanted == null || entry.getKey().equals(wanted))
                .min(Map.Entry.comparingByKey());
        if (bot.isEmpty()) {
            throw ApiException.of(404, "no_page", "No bot has its chat page switched on (chat.page in bots.yaml).");
        }
        String name = bot.get().getKey();
        visitors.welcome(context);
        String html = resource("chat.html")
                .replace("{{bot}}", escape(name))
                .replace("{{key}}", escape(authentication.pageKey(name)))
                .replace(
                        "{{reasons}}",
                        escape(String.join("|", bot.get().getValue().chat().thumbReasons())));
        protect(context.response())
                .putHeader("content-type", "text/html; charset=utf-8")
                .end(html);
    }

    public void file(RoutingContext context) {
        String file = context.pathParam("file");
        String type = FILES.get(file);
        if (type == null) {
            context.fail(404);
            return;
        }
        protect(context.response()).putHeader("content-type", type).end(resource(file));
    }

    private static HttpServerResponse protect(HttpServerResponse response) {
        return response.putHeader("content-security-policy", POLICY)
                .putHeader("x-content-type-options", "nosniff")
                .putHeader("referrer-policy", "no-referrer")
                .putHeader("cache-control", "no-store");
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("\"", "&quot;").replace("<", "&lt;");
    }

    private static String resource(String name) {
        try (InputStream in = ChatPage.class.getResourceAsStream("/page/" + name)) {
            if (in == null) {
                throw new IllegalStateException("resource page/%s is missing".formatted(name));
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
