package dev.bellwether.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.standalone.ServiceState.Health;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SupervisorIT {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final Duration POLL = Duration.ofMillis(20);

    @TempDir
    private Path directory;

    @Test
    void startsAgainWhatDies() {
        try (Supervisor supervisor = start(List.of(listener("one"), listener("other")), states -> {})) {
            long first = supervisor.pid("one");
            long untouched = supervisor.pid("other");
            assertThat(supervisor.state("one").restarts()).isZero();

            ProcessHandle.of(first).orElseThrow().destroyForcibly();

            assertThat(Await.until(
                            LIMIT,
                            POLL,
                            () -> supervisor.pid("one") != first
                                    && supervisor.state("one").health() == Health.HEALTHY))
                    .isTrue();
            assertThat(supervisor.state("one").restarts()).isEqualTo(1);
            assertThat(supervisor.pid("other")).isEqualTo(untouched);
        }
    }

    @Test
    void startsAnewWhatHangs() {
        ServiceSpecification hanging = listener("hanging");
        HealthCheck life = hanging.health();
        try (Supervisor supervisor = start(List.of(hanging.living(life, Duration.ofMillis(500))), states -> {})) {
            long first = supervisor.pid("hanging");
            stop(first);
            assertThat(Await.until(
                            LIMIT,
                            POLL,
                            () -> supervisor.pid("hanging") != first
                                    && supervisor.state("hanging").health() == Health.HEALTHY))
                    .isTrue();
        }
    }

    @Test
    void startsAnewWhatHangsAsItComesUpAgain() {
        ServiceSpecification plain = listener("hanging");
        ServiceSpecification hanging = new ServiceSpecification(
                "hanging",
                plain.command(),
                plain.environment(),
                plain.health(),
                plain.health(),
                plain.log(),
                Duration.ofSeconds(15),
                Duration.ofSeconds(8),
                Duration.ofMillis(500));
        AtomicLong hung = new AtomicLong();
        Consumer<List<ServiceState>> hang = states -> states.stream()
                .filter(state -> state.restarts() == 1 && hung.compareAndSet(0, state.pid()))
                .forEach(state -> stop(state.pid()));
        try (Supervisor supervisor = start(List.of(hanging), hang)) {
            ProcessHandle.of(supervisor.pid("hanging")).orElseThrow().destroyForcibly();
            assertThat(Await.until(
                            Duration.ofSeconds(90),
                            POLL,
                            () -> supervisor.state("hanging").restarts() >= 2
                                    && supervisor.state("hanging").health() == Health.HEALTHY))
                    .isTrue();
            assertThat(supervisor.pid("hanging")).isNotEqualTo(hung.get());
        }
    }

    private static void stop(long pid) {
        try {
            assertThat(new ProcessBuilder("kill", "-STOP", Long.toString(pid))
                            .start()
                            .waitFor())
                    .isZero();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void startsInOrderAndLeavesNoProcess() {
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        Supervisor supervisor = start(
                List.of(listener("one"), listener("other")),
                states -> states.forEach(state -> seen.add(state.name() + " " + state.health())));
        List<ProcessHandle> processes = supervisor.states().stream()
                .flatMap(state -> ProcessHandle.of(state.pid()).stream())
                .toList();
        assertThat(processes).hasSize(2).allMatch(ProcessHandle::isAlive);

        supervisor.close();

        assertThat(processes).noneMatch(ProcessHandle::isAlive);
        assertThat(seen.indexOf("one healthy")).isNotNegative().isLessThan(seen.indexOf("other starting"));
    }

    @Test
    void givesUpOnAServiceThatKeepsDyingAsItStarts() {
        var good = listener("good");
        var bad = listener("bad", Map.of("BELLWETHER_LISTENER", "die"));
        List<Long> started = Collections.synchronizedList(new ArrayList<>());

        assertThatThrownBy(() -> start(List.of(good, bad), states -> states.forEach(state -> started.add(state.pid()))))
                .isInstanceOf(StandaloneException.class)
                .hasMessageContaining("bad keeps dying")
                .hasMessageContaining("told to die")
                .hasMessageContaining("bad.log");
        assertThat(started)
                .isNotEmpty()
                .noneMatch(pid ->
                        ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isPresent());
    }

    private static Supervisor start(List<ServiceSpecification> services, Consumer<List<ServiceState>> observer) {
        var supervisor = new Supervisor(services, observer);
        supervisor.start();
        return supervisor;
    }

    private ServiceSpecification listener(String name) {
        return listener(name, Map.of());
    }

    private ServiceSpecification listener(String name, Map<String, String> environment) {
        int port = Ports.free();
        Map<String, String> whole = new HashMap<>(environment);
        whole.put("BELLWETHER_HEALTH_PORT", String.valueOf(port));
        var command = new JavaCommand(
                List.of("-Xmx32m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
                JavaCommand.OWN_CLASS_PATH,
                Listener.class.getName(),
                List.of());
        whole.putAll(command.environment());
        return new ServiceSpecification(
                name,
                command.words(),
                whole,
                new HealthCheck.Http(URI.create("http://127.0.0.1:" + port + "/readyz")),
                directory.resolve(name + ".log"));
    }
}
