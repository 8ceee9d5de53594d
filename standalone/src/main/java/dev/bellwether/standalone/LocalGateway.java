package dev.bellwether.standalone;

import java.net.URI;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A gateway alone as a child process, on a data folder and on servers of its owner. */
public final class LocalGateway extends LocalServer {
    private final int port;
    private final int operatorPort;

    private LocalGateway(ServiceSpecification service, int port, int operatorPort) {
        super(service);
        this.port = port;
        this.operatorPort = operatorPort;
    }

    /**
     * Where a gateway finds what it needs.
     *
     * @param home the project's folder
     * @param folder its settings and its policy store
     * @param settings further variables of its environment
     */
    public record Surroundings(Path home, DataFolder folder, String kafka, String redis, Map<String, String> settings) {
        /** With the settings that a gateway has by itself. */
        public Surroundings(Path home, DataFolder folder, String kafka, String redis) {
            this(home, folder, kafka, redis, Map.of());
        }

        Map<String, String> environment(int port, int operatorPort) {
            return Map.of(
                    "BELLWETHER_KAFKA", kafka,
                    "BELLWETHER_REDIS", redis,
                    "BELLWETHER_BOTS", folder.bots().toString(),
                    "BELLWETHER_STORE", folder.store().toString(),
                    "BELLWETHER_DATA", folder.service("gateway").toString(),
                    "BELLWETHER_HOST", "127.0.0.1",
                    "BELLWETHER_PORT", String.valueOf(port),
                    "BELLWETHER_OPERATOR_PORT", String.valueOf(operatorPort),
                    "BELLWETHER_KEYS", folder.keys().toString(),
                    "BELLWETHER_TOKEN_KEYS", folder.tokenKeys().toString());
        }
    }

    /**
     * Starts a gateway and waits until it is ready.
     *
     * @param prefix what it is run through, such as {@code taskset -c 0}
     */
    public static LocalGateway start(Surroundings surroundings, List<String> prefix) {
        int port = Ports.free();
        int operatorPort = Ports.free();
        JavaCommand command = ServiceProgram.GATEWAY.command(surroundings.home());
        Map<String, String> environment = new HashMap<>(surroundings.environment(port, operatorPort));
        environment.putAll(command.environment());
        environment.putAll(surroundings.settings());
        ServiceSpecification service = new ServiceSpecification(
                        "gateway",
                        command.words(),
                        environment,
                        new HealthCheck.Http(URI.create("http://127.0.0.1:%d/readyz".formatted(operatorPort))),
                        surroundings.folder().log("gateway"))
                .through(prefix);
        return started(new LocalGateway(service, port, operatorPort));
    }

    public int port() {
        return port;
    }

    public int operatorPort() {
        return operatorPort;
    }
}
