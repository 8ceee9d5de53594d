package dev.bellwether.gateway.access;

import dev.bellwether.gateway.access.ApiKeys.ApiKey;
import dev.bellwether.gateway.access.ApiKeys.Role;
import dev.bellwether.gateway.http.ApiException;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** Who calls: an application or an operator by an API key, or a visitor by the key that a page shows to everybody. */
public final class Authentication {
    private static final String CALLER = "caller";
    private static final String BEARER = "bearer";
    private static final String PAGE_PREFIX = "bwp-";
    private static final String KEY_PREFIX = "bw-";

    private final Supplier<ApiKeys> keys;
    private final Supplier<TokenKeys> secrets;
    private final Predicate<String> hasPage;
    private final Visitors visitors;

    /**
     * @param hasPage whether visitors may chat with a bot
     */
    public Authentication(
            Supplier<ApiKeys> keys, Supplier<TokenKeys> secrets, Predicate<String> hasPage, Visitors visitors) {
        this.keys = keys;
        this.secrets = secrets;
        this.hasPage = hasPage;
        this.visitors = visitors;
    }

    /** The key with which a page calls for {@code bot}; good for that bot's chat alone. */
    public String pageKey(String bot) {
        return PAGE_PREFIX + bot + "-" + secrets.get().derive("page:" + bot);
    }

    /** Lets a chat pass whose credential is good, before anything else of it is read. */
    public void admitCaller(RoutingContext context) {
        String secret = bearer(context, "the API key", "KEY");
        Caller caller = secret.startsWith(PAGE_PREFIX)
                ? visitor(context, secret)
                : new Caller.Application(holder(secret, Role.CHAT));
        context.put(CALLER, caller).next();
    }

    private Caller visitor(RoutingContext context, String secret) {
        int end = secret.lastIndexOf('-');
        String bot = end < PAGE_PREFIX.length() ? "" : secret.substring(PAGE_PREFIX.length(), end);
        byte[] expected = pageKey(bot).getBytes(StandardCharsets.UTF_8);
        if (!MessageDigest.isEqual(expected, secret.getBytes(StandardCharsets.UTF_8)) || !hasPage.test(bot)) {
            throw unknownKey();
        }
        return new Caller.Visitor(bot, visitors.known(context).orElse(null), visitors.address(context));
    }

    /** Who {@link #admitCaller} let pass. */
    public static Caller caller(RoutingContext context) {
        Caller caller = context.get(CALLER);
        if (caller == null) {
            throw new IllegalStateException("nobody was let pass");
        }
        return caller;
    }

    /** The key of a call that needs {@code role}. */
    public ApiKey require(RoutingContext context, Role role) {
        return holder(bearer(context, "the API key", "KEY"), role);
    }

    private ApiKey holder(String secret, Role role) {
        ApiKey key = keys.get().find(secret).orElseThrow(Authentication::unknownKey);
        if (!key.has(role)) {
            throw ApiException.of(
                    403,
                    "wrong_role",
                    "The key '%s' lacks the role %s."
                            .formatted(key.id(), role.name().toLowerCase(Locale.ROOT)));
        }
        return key;
    }

    /** The API key that came beside a feedback token of {@code bot}, in {@code x-bellwether-key}. */
    public Optional<ApiKey> beside(RoutingContext context, String bot) {
        String secret = context.request().getHeader("x-bellwether-key");
        if (secret == null) {
            return Optional.empty();
        }
        ApiKey key = keys.get().find(secret).orElseThrow(Authentication::unknownKey);
        if (!key.mayUse(bot)) {
            throw ApiException.of(403, "wrong_bot", "The key '%s' is not for the bot '%s'.".formatted(key.id(), bot));
        }
        return Optional.of(key);
    }

    /** The sealed feedback token of a call. */
    public static String feedbackToken(RoutingContext context) {
        String sealed = bearer(context, "the reply's bellwether.feedback_token", "TOKEN");
        if (sealed.startsWith(KEY_PREFIX) || sealed.startsWith(PAGE_PREFIX)) {
            throw ApiException.of(
                    403,
                    "token_invalid",
                    "This is an API key; a judgement is sent with the reply's bellwether.feedback_token instead.");
        }
        return sealed;
    }

    /** RFC 6750; the scheme's name in any case, and one or more blanks behind it, as RFC 9110 has it. */
    private static String bearer(RoutingContext context, String what, String name) {
        String header = context.request().getHeader(HttpHeaders.AUTHORIZATION);
        if (header != null && header.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
            String rest = header.substring(BEARER.length());
            if (!rest.isBlank() && Character.isWhitespace(rest.charAt(0))) {
                return rest.strip();
            }
        }
        throw unauthorized(
                name.equals("KEY") ? "missing_key" : "missing_token",
                "Send %s as the header 'Authorization: Bearer %s'.".formatted(what, name));
    }

    static ApiException unknownKey() {
        return unauthorized("invalid_api_key", "The API key is not known to this gateway.");
    }

    private static ApiException unauthorized(String code, String message) {
        return ApiException.of(401, code, message).with("www-authenticate", "Bearer realm=\"bellwether\"");
    }

    /** The same for a bot that is not there and for one that the key is not good for. */
    public static ApiException unknownBot(String bot) {
        return ApiException.field(404, "model_not_found", "model", "There is no bot '%s' for this key.".formatted(bot));
    }
}
