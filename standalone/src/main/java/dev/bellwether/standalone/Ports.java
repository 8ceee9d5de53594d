package dev.bellwether.standalone;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Loopback ports to listen on.
 *
 * <p>Free ports are chosen below the range that operating systems take for outgoing connections: a client that keeps
 * calling a dead server inside that range can be given the server's own port, connect to itself, and so keep the server
 * from coming back.
 */
public final class Ports {
    private static final int FIRST = 15_000;
    private static final int LAST = 32_000;
    private static final int ATTEMPTS_MAX = 200;

    private Ports() {}

    /** A loopback port on which nothing listens now. */
    public static int free() {
        for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
            int port = ThreadLocalRandom.current().nextInt(FIRST, LAST);
            if (isFree(port)) {
                return port;
            }
        }
        throw StandaloneException.noFreePort(ATTEMPTS_MAX);
    }

    /** Says whether one could listen on a loopback port now. */
    public static boolean isFree(int port) {
        try (var socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            return true;
        } catch (IOException occupied) {
            return false;
        }
    }
}
