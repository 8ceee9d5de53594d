package dev.bellwether.gateway.access;

import dev.bellwether.gateway.http.ClientAddress;
import io.vertx.core.http.Cookie;
import io.vertx.core.http.CookieSameSite;
import io.vertx.ext.web.RoutingContext;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Tells visitors apart by a random id that this service signed: in a cookie, or for a page of another origin in the
 * header {@code x-bellwether-visitor}. Nobody can name an id that was not given out.
 */
public final class Visitors {
    private static final String COOKIE = "bellwether_visitor";
    private static final String HEADER = "x-bellwether-visitor";
    private static final Duration KEPT = Duration.ofDays(365);
    private static final int ID_BYTES = 16;

    private final Supplier<TokenKeys> secrets;
    private final SecureRandom random;
    private final ClientAddress addresses;

    public Visitors(Supplier<TokenKeys> secrets, SecureRandom random, ClientAddress addresses) {
        this.secrets = secrets;
        this.random = random;
        this.addresses = addresses;
    }

    /** Who calls, if this service knows. */
    Optional<String> known(RoutingContext context) {
        String header = context.request().getHeader(HEADER);
        if (header != null) {
            return open(header);
        }
        return Optional.ofNullable(context.request().getCookie(COOKIE)).flatMap(cookie -> open(cookie.getValue()));
    }

    private Optional<String> open(@Nullable String sealed) {
        String[] parts = String.valueOf(sealed).split("\\.", -1);
        if (parts.length != 2 || !parts[0].matches("[0-9a-f]{32}")) {
            return Optional.empty();
        }
        byte[] expected = signature(parts[0]).getBytes(StandardCharsets.UTF_8);
        boolean ours = MessageDigest.isEqual(expected, parts[1].getBytes(StandardCharsets.UTF_8));
        return ours ? Optional.of(parts[0]) : Optional.empty();
    }

    private String signature(String id) {
        return secrets.get().derive("visitor-id:" + id);
    }

    /** A new visitor's id with its signature. */
    public String issue() {
        byte[] bytes = new byte[ID_BYTES];
        random.nextBytes(bytes);
        String id = HexFormat.of().formatHex(bytes);
        return id + "." + signature(id);
    }

    /** Gives a browser its id, unless it has one; the next call is then known by it. */
    public void welcome(RoutingContext context) {
        if (known(context).isEmpty() && context.request().getHeader(HEADER) == null) {
            context.response().addCookie(cookie(context, issue()).setMaxAge(KEPT.toSeconds()));
        }
    }

    /** Takes a browser's id away; the next call of its page is a new visitor's. */
    public void leave(RoutingContext context) {
        if (context.request().getHeader(HEADER) == null) {
            context.response().addCookie(cookie(context, "").setMaxAge(0));
        }
    }

    private Cookie cookie(RoutingContext context, String value) {
        return Cookie.cookie(COOKIE, value)
                .setPath("/")
                .setHttpOnly(true)
                .setSecure(addresses.encrypted(context.request()))
                .setSameSite(CookieSameSite.LAX);
    }

    public String address(RoutingContext context) {
        return addresses.of(context.request());
    }
}
