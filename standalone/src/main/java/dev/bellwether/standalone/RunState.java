package dev.bellwether.standalone;

import java.net.URI;
import java.time.Instant;
import java.util.List;

/**
 * A running installation as {@code run.json} tells it to other programs.
 *
 * @param pid of the process that supervises the services
 * @param kafka the brokers, as {@code host:port}
 */
public record RunState(
        long pid,
        Instant startedAt,
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

    ProcessIdentity supervisor() {
        return new ProcessIdentity(pid, startedAt);
    }

    /** Says whether the supervisor and all of its services live and pass their checks. */
    public boolean healthy() {
        return supervisor().live().isPresent()
                && services.size() == Installation.SERVICES
                && services.stream().allMatch(each -> each.observedNow().health() == ServiceState.Health.HEALTHY);
    }

    /** This state with the health of processes that have died since it was written put right. */
    RunState observedNow() {
        return with(services.stream().map(ServiceState::observedNow).toList());
    }

    RunState with(List<ServiceState> others) {
        return new RunState(
                pid, startedAt, chatUrl, operatorUrl, kafka, redis, apiKeyFile, operatorKeyFile, store, others);
    }
}
