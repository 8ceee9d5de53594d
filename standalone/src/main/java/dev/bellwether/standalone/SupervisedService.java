package dev.bellwether.standalone;

import dev.bellwether.standalone.ServiceState.Health;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One service and the thread that keeps it alive. */
final class SupervisedService {
    private static final Logger LOG = LoggerFactory.getLogger(SupervisedService.class);
    private static final Duration TICK = Duration.ofMillis(100);
    private static final Duration HEALTHY_PERIOD = Duration.ofSeconds(5);
    private static final Duration UNHEALTHY_PERIOD = Duration.ofMillis(200);
    private static final int FIRST_START_DEATHS_MAX = 3;

    private final ServiceSpecification service;
    private final Runnable observer;
    private final BackOff backOff = new BackOff();
    private final CountDownLatch stopping = new CountDownLatch(1);

    private @Nullable ChildProcess child;
    private Health health = Health.STARTING;
    private int restarts;
    private int deaths;
    private long startedNanos;
    private long nextStartNanos;
    private long nextCheckNanos;
    private long aliveNanos;

    SupervisedService(ServiceSpecification service, Runnable observer) {
        this.service = service;
        this.observer = observer;
    }

    String name() {
        return service.name();
    }

    /** Starts the service and waits until it is healthy; gives up at its limit, or when it dies again and again. */
    void start() {
        if (!launch()) {
            throw stopped();
        }
        Thread.ofVirtual().name("keep-" + name()).start(this::keep);
        boolean settled = Await.until(service.startLimit(), TICK, () -> healthy() || hopeless());
        if (isStopping()) {
            throw stopped();
        }
        if (!healthy()) {
            String tail = new LogFile(service.log()).tail();
            throw settled
                    ? StandaloneException.processFailed(name(), "keeps dying as it starts", service.log(), tail)
                    : StandaloneException.notReady(name(), service.startLimit(), service.log(), tail);
        }
    }

    void stop() {
        stopping.countDown();
        Optional<ChildProcess> last = child();
        last.ifPresent(process -> {
            if (!process.stop(service.stopLimit())) {
                LOG.warn(
                        "{} did not end within {} s and was killed",
                        name(),
                        service.stopLimit().toSeconds());
            }
        });
        synchronized (this) {
            health = Health.DEAD;
        }
    }

    /** Empty before the first start. */
    synchronized Optional<ServiceState> state() {
        return child().map(process -> new ServiceState(
                name(), process.pid(), restarts, health, service.log().toString()));
    }

    private synchronized Optional<ChildProcess> child() {
        return Optional.ofNullable(child);
    }

    private synchronized boolean healthy() {
        return health == Health.HEALTHY;
    }

    /** Whether this process has not been healthy before and may still take its time. */
    private synchronized boolean starting() {
        return health == Health.STARTING
                && System.nanoTime() - startedNanos < service.startLimit().toNanos();
    }

    private synchronized boolean hopeless() {
        return deaths >= FIRST_START_DEATHS_MAX || isStopping();
    }

    private boolean isStopping() {
        return stopping.getCount() == 0;
    }

    private StandaloneException stopped() {
        return new StandaloneException("stopped", "Stopped while %s was starting.".formatted(name()));
    }

    private void keep() {
        try {
            while (!stopping.await(TICK.toMillis(), TimeUnit.MILLISECONDS)) {
                tick();
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void tick() {
        try {
            if (child().filter(ChildProcess::alive).isPresent()) {
                check();
            } else {
                revive();
            }
        } catch (RuntimeException failure) {
            LOG.error("{} could not be watched or started, trying again", name(), failure);
            delayNextStart();
        }
    }

    private void check() {
        if (System.nanoTime() - nextCheckNanos < 0) {
            return;
        }
        boolean passes = service.health().passes();
        if (passes || starting() || service.life().passes()) {
            aliveNanos = System.nanoTime();
        } else if (System.nanoTime() - aliveNanos > service.hangLimit().toNanos()) {
            LOG.warn(
                    "{} shows no life for {} s; it is killed and starts again",
                    name(),
                    service.hangLimit().toSeconds());
            child().ifPresent(ChildProcess::kill);
        }
        synchronized (this) {
            if (isStopping()) {
                return;
            }
            Health before = health;
            if (passes) {
                health = Health.HEALTHY;
            } else if (health == Health.HEALTHY) {
                health = Health.UNHEALTHY;
            }
            nextCheckNanos = System.nanoTime() + (passes ? HEALTHY_PERIOD : UNHEALTHY_PERIOD).toNanos();
            if (health == before) {
                return;
            }
            LOG.info("{} is {}", name(), health);
        }
        observer.run();
    }

    private void revive() {
        if (noteDeath()) {
            observer.run();
        } else if (due() && launch()) {
            LOG.info("{} was started again", name());
        }
    }

    /** Schedules the next start once per death; false when that is done already. */
    private synchronized boolean noteDeath() {
        if (health == Health.DEAD || isStopping()) {
            return false;
        }
        health = Health.DEAD;
        deaths++;
        Duration wait = delayNextStart();
        LOG.warn(
                "{} (process {}) died with status {}; it starts again in {} ms; its log: {}",
                name(),
                child().map(ChildProcess::pid).orElse(-1L),
                child().map(ChildProcess::exitStatus).orElseThrow().orElse(-1),
                wait.toMillis(),
                service.log());
        return true;
    }

    private synchronized Duration delayNextStart() {
        Duration wait = backOff.after(Duration.ofNanos(System.nanoTime() - startedNanos));
        nextStartNanos = System.nanoTime() + wait.toNanos();
        return wait;
    }

    private synchronized boolean due() {
        return System.nanoTime() - nextStartNanos >= 0;
    }

    private boolean launch() {
        synchronized (this) {
            if (isStopping()) {
                return false;
            }
            boolean first = child == null;
            startedNanos = System.nanoTime();
            child = ChildProcess.startOwned(service);
            nextCheckNanos = System.nanoTime();
            health = Health.STARTING;
            restarts += first ? 0 : 1;
        }
        observer.run();
        return true;
    }
}
