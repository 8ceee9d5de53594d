package dev.bellwether.standalone;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A program for the supervisor to run.
 *
 * @param environment added to the supervisor's own
 * @param log where its output and errors are appended
 * @param life passes while the program is not to be started anew, healthy or not
 * @param startLimit how long it may take from its start to its first passed health check
 * @param stopLimit how long it may take to end when asked, before it is killed
 * @param hangLimit how long it may show no life before it is killed and started anew
 */
public record ServiceSpecification(
        String name,
        List<String> command,
        Map<String, String> environment,
        HealthCheck health,
        HealthCheck life,
        Path log,
        Duration startLimit,
        Duration stopLimit,
        Duration hangLimit) {
    public static final Duration START_LIMIT = Duration.ofMinutes(2);
    public static final Duration STOP_LIMIT = Duration.ofSeconds(35);
    public static final Duration HANG_LIMIT = Duration.ofSeconds(30);

    public ServiceSpecification {
        command = List.copyOf(command);
        environment = Map.copyOf(environment);
    }

    public ServiceSpecification(
            String name, List<String> command, Map<String, String> environment, HealthCheck health, Path log) {
        this(name, command, environment, health, log, START_LIMIT, STOP_LIMIT);
    }

    public ServiceSpecification(
            String name,
            List<String> command,
            Map<String, String> environment,
            HealthCheck health,
            Path log,
            Duration startLimit,
            Duration stopLimit) {
        this(name, command, environment, health, health, log, startLimit, stopLimit, HANG_LIMIT);
    }

    /** The same program started through another, as {@code nice -n 5}. */
    ServiceSpecification through(List<String> prefix) {
        List<String> whole = Stream.concat(prefix.stream(), command.stream()).toList();
        return new ServiceSpecification(name, whole, environment, health, life, log, startLimit, stopLimit, hangLimit);
    }

    /** The same program, which is started anew when {@code check} fails for {@code limit}. */
    ServiceSpecification living(HealthCheck check, Duration limit) {
        return new ServiceSpecification(name, command, environment, health, check, log, startLimit, stopLimit, limit);
    }
}
