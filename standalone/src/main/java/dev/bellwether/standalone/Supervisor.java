package dev.bellwether.standalone;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Keeps an ordered list of programs alive: each is started once the one before it is healthy, started again when it
 * dies, and all are stopped in the opposite order.
 */
public final class Supervisor implements AutoCloseable {
    private final List<SupervisedService> services;
    private final Consumer<List<ServiceState>> observer;
    private final Object changes = new Object();
    private final ShutdownHook hook;

    private Supervisor(List<ServiceSpecification> specifications, Consumer<List<ServiceState>> observer) {
        this.services = specifications.stream()
                .map(each -> new SupervisedService(each, this::changed))
                .toList();
        this.observer = observer;
        this.hook = ShutdownHook.add("stop-supervisor", this::close);
    }

    public static Supervisor start(List<ServiceSpecification> services) {
        return start(services, states -> {});
    }

    /**
     * Starts the services and waits for the health of each; when one fails, the others are stopped again.
     *
     * @param observer told of all services whenever one of them changes; never by two threads at once
     */
    public static Supervisor start(List<ServiceSpecification> services, Consumer<List<ServiceState>> observer) {
        var supervisor = new Supervisor(services, observer);
        try {
            supervisor.startAll();
            return supervisor;
        } catch (RuntimeException failure) {
            supervisor.close();
            throw failure;
        }
    }

    private void startAll() {
        for (SupervisedService service : services) {
            service.start();
        }
    }

    /** The services started so far, in order. */
    public List<ServiceState> states() {
        return services.stream()
                .map(SupervisedService::state)
                .flatMap(Optional::stream)
                .toList();
    }

    /** The state of one service. */
    public ServiceState state(String name) {
        return services.stream()
                .filter(service -> service.name().equals(name))
                .findFirst()
                .flatMap(SupervisedService::state)
                .orElseThrow(() -> new IllegalArgumentException("No service '" + name + "' runs here."));
    }

    /** The pid of a service's present process; its last one while it waits to be started again. */
    public long pid(String name) {
        return state(name).pid();
    }

    /** Stops all services, the last started first. */
    @Override
    public void close() {
        stopAll();
        hook.cancel();
    }

    private synchronized void stopAll() {
        services.reversed().forEach(SupervisedService::stop);
    }

    private void changed() {
        synchronized (changes) {
            observer.accept(states());
        }
    }
}
