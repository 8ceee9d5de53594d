package dev.bellwether.gateway.serving;

import dev.bellwether.policy.checkpoint.PrivateNetworks;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.SocketAddress;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where an upstream is. Unless private addresses are allowed, the name is looked up here and what it stands for is
 * checked before anything is sent there, so that no name can lead into the network that the gateway stands in.
 */
final class UpstreamAddress {
    private static final Duration FRESH = Duration.ofSeconds(30);
    private static final int HTTPS = 443;
    private static final int HTTP = 80;

    private final URI url;
    private final boolean privateAllowed;
    private final String path;
    private final String query;
    private volatile @Nullable Looked looked;

    private record Looked(InetAddress address, long nanos) {}

    UpstreamAddress(URI url, boolean privateAllowed) {
        this.url = url;
        this.privateAllowed = privateAllowed;
        this.path = Optional.ofNullable(url.getRawPath()).orElse("").replaceAll("/+$", "");
        this.query = query(url);
    }

    private static String query(URI url) {
        return url.getRawQuery() == null ? "" : "?" + url.getRawQuery();
    }

    private boolean encrypted() {
        return "https".equalsIgnoreCase(url.getScheme());
    }

    private int port() {
        return url.getPort() > 0 ? url.getPort() : encrypted() ? HTTPS : HTTP;
    }

    /** A request to {@code below} the base address. */
    Future<RequestOptions> request(Vertx vertx, String below) {
        return options(vertx, path + below + query);
    }

    /** Where a redirect leads, if that is the same origin. */
    Future<RequestOptions> redirect(Vertx vertx, String location) {
        URI target;
        try {
            target = url.resolve(location);
        } catch (IllegalArgumentException e) {
            return Future.failedFuture("the redirect leads to '%s', which is no address".formatted(location));
        }
        UpstreamAddress other = new UpstreamAddress(target, false);
        if (!url.getHost().equalsIgnoreCase(target.getHost())
                || !url.getScheme().equalsIgnoreCase(target.getScheme())
                || port() != other.port()) {
            return Future.failedFuture("the redirect leads to another origin");
        }
        return options(vertx, target.getRawPath() + query(target));
    }

    private Future<RequestOptions> options(Vertx vertx, String uri) {
        RequestOptions options = new RequestOptions()
                .setHost(url.getHost())
                .setPort(port())
                .setSsl(encrypted())
                .setURI(uri);
        if (privateAllowed) {
            return Future.succeededFuture(options);
        }
        return look(vertx)
                .map(address -> options.setServer(SocketAddress.inetSocketAddress(port(), address.getHostAddress())));
    }

    private Future<InetAddress> look(Vertx vertx) {
        Looked known = looked;
        if (known != null && System.nanoTime() - known.nanos() < FRESH.toNanos()) {
            return Future.succeededFuture(known.address());
        }
        return vertx.executeBlocking(
                () -> {
                    InetAddress address = reachable(url.getHost());
                    looked = new Looked(address, System.nanoTime());
                    return address;
                },
                false);
    }

    private static InetAddress reachable(String host) throws UnknownHostException {
        try {
            InetAddress[] all = InetAddress.getAllByName(host);
            for (InetAddress address : all) {
                if (!PrivateNetworks.contain(address)) {
                    return address;
                }
            }
        } catch (UnknownHostException e) {
            throw new UnknownHostException("the name '%s' does not resolve".formatted(host));
        }
        throw new UnknownHostException(
                "'%s' is in a private network, which is not allowed for this version (private_addresses)"
                        .formatted(host));
    }
}
