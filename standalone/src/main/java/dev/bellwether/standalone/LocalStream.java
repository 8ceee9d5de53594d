package dev.bellwether.standalone;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** A feedback stream alone as a child process, on a broker of its owner. */
public final class LocalStream extends LocalServer {
    private final int healthPort;

    private LocalStream(ServiceSpecification service, int healthPort) {
        super(service);
        this.healthPort = healthPort;
    }

    /**
     * Starts a stream and waits until it is ready.
     *
     * @param home the project's folder
     * @param folder its settings and its state
     */
    public static LocalStream start(Path home, DataFolder folder, String kafka) {
        return start(home, folder, kafka, ServiceSpecification.START_LIMIT);
    }

    /** @param startLimit how long it may restore its state */
    public static LocalStream start(Path home, DataFolder folder, String kafka, Duration startLimit) {
        int port = Ports.free();
        JavaCommand command = ServiceProgram.FEEDBACK_STREAM.command(home);
        Map<String, String> environment = new HashMap<>(Map.of(
                "BELLWETHER_KAFKA", kafka,
                "BELLWETHER_BOTS", folder.bots().toString(),
                "BELLWETHER_DATA", folder.service("feedback-stream").toString(),
                "BELLWETHER_INSTANCE", "feedback-stream-1",
                "BELLWETHER_HEALTH_PORT", String.valueOf(port)));
        environment.putAll(command.environment());
        ServiceSpecification service = new ServiceSpecification(
                "feedback-stream",
                command.words(),
                environment,
                new HealthCheck.Http(URI.create("http://127.0.0.1:%d/readyz".formatted(port))),
                folder.log("feedback-stream"),
                startLimit,
                ServiceSpecification.STOP_LIMIT);
        return started(new LocalStream(service, port));
    }

    public int healthPort() {
        return healthPort;
    }
}
