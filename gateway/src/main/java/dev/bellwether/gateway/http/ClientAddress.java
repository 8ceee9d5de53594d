package dev.bellwether.gateway.http;

import io.netty.handler.ipfilter.IpFilterRuleType;
import io.netty.handler.ipfilter.IpSubnetFilterRule;
import io.netty.util.NetUtil;
import io.vertx.core.http.HttpServerRequest;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where a request comes from: the peer of the connection, or what a configured proxy says of it in
 * {@code x-forwarded-for}, read from the right as far as proxies are known.
 */
public final class ClientAddress {
    private final List<IpSubnetFilterRule> proxies;

    /**
     * @param proxies addresses and networks, as {@code 10.0.0.0/8}
     */
    public ClientAddress(List<String> proxies) {
        this.proxies = proxies.stream().map(ClientAddress::rule).toList();
    }

    private static IpSubnetFilterRule rule(String network) {
        String[] parts = network.strip().split("/", 2);
        byte[] address = NetUtil.createByteArrayFromIpAddressString(parts[0]);
        if (address == null || (parts.length == 2 && !parts[1].matches("\\d{1,3}"))) {
            throw new IllegalArgumentException("'%s' is not an address or a network as 10.0.0.0/8".formatted(network));
        }
        int bits = parts.length == 2 ? Integer.parseInt(parts[1]) : address.length * 8;
        if (bits > address.length * 8) {
            throw new IllegalArgumentException("'%s' has more bits than an address".formatted(network));
        }
        return new IpSubnetFilterRule(parts[0], bits, IpFilterRuleType.ACCEPT);
    }

    /** The caller's address; of IPv6 the network of 64 bits, which is what one household has. */
    public String of(HttpServerRequest request) {
        List<String> lines = request.headers().getAll("x-forwarded-for");
        return of(
                String.valueOf(request.remoteAddress().hostAddress()),
                lines.isEmpty() ? null : String.join(",", lines));
    }

    String of(String connected, @Nullable String forwarded) {
        String peer = connected;
        if (forwarded != null && trusted(peer)) {
            String[] hops = forwarded.split(",", -1);
            for (int i = hops.length - 1; i >= 0; i--) {
                String hop = withoutPort(hops[i].strip());
                if (parse(hop) == null) {
                    break;
                }
                peer = hop;
                if (!trusted(hop)) {
                    break;
                }
            }
        }
        return network(peer);
    }

    /** Some proxies write {@code 192.0.2.1:4711} and {@code [2001:db8::1]:4711}. */
    private static String withoutPort(String hop) {
        if (hop.startsWith("[")) {
            return hop.substring(1, Math.max(1, hop.indexOf(']')));
        }
        int colon = hop.indexOf(':');
        return colon > 0 && colon == hop.lastIndexOf(':') ? hop.substring(0, colon) : hop;
    }

    /** Whether the caller speaks TLS, to the gateway or to a configured proxy. */
    public boolean encrypted(HttpServerRequest request) {
        String peer = request.remoteAddress().hostAddress();
        return request.isSSL()
                || (peer != null && trusted(peer) && "https".equalsIgnoreCase(request.getHeader("x-forwarded-proto")));
    }

    private boolean trusted(String address) {
        InetAddress parsed = parse(address);
        return parsed != null && proxies.stream().anyMatch(proxy -> proxy.matches(new InetSocketAddress(parsed, 0)));
    }

    private static @Nullable InetAddress parse(String address) {
        byte[] bytes = NetUtil.createByteArrayFromIpAddressString(address);
        try {
            return bytes == null ? null : InetAddress.getByAddress(bytes);
        } catch (UnknownHostException e) {
            return null;
        }
    }

    private static String network(String address) {
        if (parse(address) instanceof Inet6Address six) {
            byte[] prefix = Arrays.copyOf(Arrays.copyOf(six.getAddress(), 8), 16);
            return NetUtil.bytesToIpAddress(prefix) + "/64";
        }
        return address;
    }
}
