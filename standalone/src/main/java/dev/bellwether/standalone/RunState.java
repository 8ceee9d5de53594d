package dev.bellwether.standalone;

import java.net.URI;
import java.util.List;

/**
 * A running installation as {@code run.json} tells it to other programs.
 *
 * @param pid of the process that supervises the services
 * @param kafka the brokers, as {@code host:port}
 */
public record RunState(
        long pid,
        URI chatUrl,
        URI operatorUrl,
        String kafka,
        String redis,
        String apiKeyFile,
        String operatorKeyFile,
        String store,
        List<ServiceState> services) {
    public RunState {
        services = List.copyOf(services);
    }

    /** Says whether all services pass their checks. */
    public boolean healthy() {
        return services.size() == Installation.SERVICES
                && services.stream().allMatch(each -> each.health() == ServiceState.Health.HEALTHY);
    }

    RunState with(List<ServiceState> others) {
        return new RunState(pid, chatUrl, operatorUrl, kafka, redis, apiKeyFile, operatorKeyFile, store, others);
    }
}
