package dev.bellwether.standalone;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/** A stand-in for a service: takes its health port from the environment and answers 200; or dies, if told to. */
final class Listener {
    private Listener() {}

    static void main() throws IOException {
        System.out.println("started");
        if ("die".equals(System.getenv("BELLWETHER_LISTENER"))) {
            System.out.println("told to die");
            System.exit(7);
        }
        int port = Integer.parseInt(System.getenv("BELLWETHER_HEALTH_PORT"));
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        HttpServer server = HttpServer.create(address, 0);
        server.createContext("/readyz", exchange -> {
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
    }
}
