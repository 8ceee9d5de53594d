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
    private boolean closed;

    /**
     * Runs nothing yet.
     *
     * @param observer told of all services whenever one of them changes, until they are closed; never by two threads at
     *     once
     */
    Supervisor(List<ServiceSpecification> specifications, Consumer<List<ServiceState>> observer) {
        this.services = specifications.stream()
                .map(each -> new SupervisedService(each, this::changed))
                .toList();
        this.observer = observer;
    }

    /** Starts the services and waits for the health of each; when one fails, the others are stopped again. */
    void start() {
        try {
            services.forEach(SupervisedService::start);
        } catch (RuntimeException failure) {
            close();
            throw failure;
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

    /** Stops all services, the last started first; the observer is told nothing from then on. */
    @Override
    public synchronized void close() {
        services.reversed().forEach(SupervisedService::stop);
        synchronized (changes) {
            closed = true;
        }
    }

    private void changed() {
        synchronized (changes) {
            if (!closed) {
                observer.accept(states());
            }
        }
    }
}
