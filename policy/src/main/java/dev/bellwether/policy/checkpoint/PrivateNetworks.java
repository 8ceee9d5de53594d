package dev.bellwether.policy.checkpoint;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;

/** Addresses that are not on the Internet: of this machine, of its network, or routed nowhere. */
public final class PrivateNetworks {
    private PrivateNetworks() {}

    /** Loopback, link-local, multicast, and RFC 1918, 4193, 6598; also as IPv6 spells IPv4 (RFC 6052). */
    public static boolean contain(InetAddress address) {
        byte[] bytes = address.getAddress();
        boolean uniqueLocal = address instanceof Inet6Address && (bytes[0] & 0xfe) == 0xfc;
        boolean carrier = bytes.length == 4 && (bytes[0] & 0xff) == 100 && (bytes[1] & 0xc0) == 64;
        boolean thisNetwork = bytes.length == 4 && bytes[0] == 0;
        return address.isLoopbackAddress()
                || address.isAnyLocalAddress()
                || address.isLinkLocalAddress()
                || address.isSiteLocalAddress()
                || address.isMulticastAddress()
                || uniqueLocal
                || carrier
                || thisNetwork
                || embedded(bytes);
    }

    private static boolean embedded(byte[] bytes) {
        boolean translated = bytes.length == 16 && bytes[0] == 0 && bytes[1] == 0x64 && (bytes[2] & 0xff) == 0xff;
        try {
            return translated && contain(InetAddress.getByAddress(Arrays.copyOfRange(bytes, 12, 16)));
        } catch (UnknownHostException e) {
            return true;
        }
    }
}
