package dev.bellwether.standalone;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** One program run as a child process for as long as its owner wants it, without a supervisor. */
public abstract sealed class LocalServer implements AutoCloseable
        permits LocalKafka, LocalRedis, LocalGateway, LocalStream {
    private static final Duration POLL = Duration.ofMillis(50);

    private final ServiceSpecification service;
    private final ShutdownHook hook;
    private @Nullable ChildProcess child;

    LocalServer(ServiceSpecification service) {
        this.service = service;
        this.hook = ShutdownHook.add("stop-" + service.name(), this::close);
    }

    /** Starts {@code server}, of which nothing is left behind when it does not become healthy. */
    static <S extends LocalServer> S started(S server) {
        try {
            ((LocalServer) server).start();
            return server;
        } catch (RuntimeException failure) {
            server.close();
            throw failure;
        }
    }

    /** Starts the program and waits until its health check passes. */
    private synchronized void start() {
        ChildProcess started = ChildProcess.startOwned(service);
        child = started;
        boolean ready = false;
        try {
            ready = Await.until(
                    service.startLimit(),
                    POLL,
                    () -> !started.alive() || service.health().passes());
            if (!started.alive()) {
                int status = started.exitStatus().orElse(-1);
                throw StandaloneException.processFailed(
                        service.name(), "ended with status " + status, service.log(), started.logTail());
            }
            if (!ready) {
                throw StandaloneException.notReady(
                        service.name(), service.startLimit(), service.log(), started.logTail());
            }
        } finally {
            if (!ready) {
                started.kill();
            }
        }
    }

    public synchronized long pid() {
        if (child == null) {
            throw new IllegalStateException(service.name() + " was never started");
        }
        return child.pid();
    }

    /** Ends the program as a crash would (SIGKILL). */
    public synchronized void kill() {
        if (child != null) {
            child.kill();
        }
    }

    /** Starts the program again on its data, stopping it first when it runs, and waits until it is healthy. */
    public synchronized void restart() {
        stop();
        start();
    }

    @Override
    public synchronized void close() {
        hook.cancel();
        stop();
    }

    private void stop() {
        if (child != null) {
            child.stop(service.stopLimit());
        }
    }
}
