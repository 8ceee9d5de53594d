package dev.bellwether.gateway.http;

import dev.bellwether.gateway.bots.ApiKeys;
import dev.bellwether.gateway.bots.ApiKeys.ApiKey;
import dev.bellwether.gateway.bots.ApiKeys.Role;
import dev.bellwether.gateway.feedback.TokenKeys;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;

/** Who calls: an API key, or the chat page with the key that the gateway derives for it. */
public final class Authentication {
    private static final String BEARER = "Bearer ";
    private static final String PAGE_PREFIX = "bwp-";

    private final Supplier<ApiKeys> keys;
    private final TokenKeys secrets;

    public Authentication(Supplier<ApiKeys> keys, TokenKeys secrets) {
        this.keys = keys;
        this.secrets = secrets;
    }

    /** A caller that may chat with a bot; {@code page} for visitors of the chat page. */
    public record Caller(String id, boolean page) {}

    /** The key with which the chat page of {@code bot} calls; good for that bot's chat alone. */
    String pageKey(String bot) {
        return PAGE_PREFIX + bot + "-" + secrets.derive("page:" + bot);
    }

    /** Refuses a call without a key or with an unknown one, before anything else of it is looked at. */
    public void require(RoutingContext context) {
        String secret = bearer(context);
        if (!secret.startsWith(PAGE_PREFIX)) {
            require(secret, Role.CHAT);
        }
    }

    /** The caller of a chat with {@code bot}. */
    public Caller chat(RoutingContext context, String bot, boolean pageAllowed) {
        String secret = bearer(context);
        if (secret.startsWith(PAGE_PREFIX)) {
            byte[] expected = pageKey(bot).getBytes(StandardCharsets.UTF_8);
            if (pageAllowed && MessageDigest.isEqual(expected, secret.getBytes(StandardCharsets.UTF_8))) {
                return new Caller("page-" + context.request().remoteAddress().hostAddress(), true);
            }
            throw unknownKey();
        }
        ApiKey key = require(secret, Role.CHAT);
        if (!key.mayUse(bot)) {
            throw ApiException.field(
                    404, "model_not_found", "model", "There is no bot '%s' for this key.".formatted(bot));
        }
        return new Caller(key.id(), false);
    }

    /** The key of a call that needs {@code role}. */
    public ApiKey require(RoutingContext context, Role role) {
        return require(bearer(context), role);
    }

    private ApiKey require(String secret, Role role) {
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

    private static String bearer(RoutingContext context) {
        return credential(context)
                .orElseThrow(() -> ApiException.of(
                        401, "missing_key", "Send the API key as the header 'Authorization: Bearer KEY'."));
    }

    /** The sealed feedback token of a call. */
    public static String feedbackToken(RoutingContext context) {
        return credential(context)
                .orElseThrow(() -> ApiException.of(
                        401,
                        "missing_token",
                        "Send the reply's bellwether.feedback_token as the header 'Authorization: Bearer TOKEN'."));
    }

    private static Optional<String> credential(RoutingContext context) {
        return Optional.ofNullable(context.request().getHeader(HttpHeaders.AUTHORIZATION))
                .filter(header -> header.startsWith(BEARER))
                .map(header -> header.substring(BEARER.length()).strip());
    }

    private static ApiException unknownKey() {
        return ApiException.of(401, "invalid_api_key", "The API key is not known to this gateway.");
    }
}
