package dev.bellwether.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** The whole of one machine with stand-ins for the services: {@code up}, {@code status}, {@code down}. */
class InstallationIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final Duration POLL = Duration.ofMillis(100);
    /** A program that answers on its health port and, as a gateway, holds the chat port. */
    private static final String STAND_IN = """
            package PACKAGE;
            public final class NAME {
                public static void main(String[] arguments) throws Exception {
                    var loopback = java.net.InetAddress.getLoopbackAddress();
                    String chat = System.getenv("BELLWETHER_PORT");
                    String port = System.getenv(chat == null ? "BELLWETHER_HEALTH_PORT" : "BELLWETHER_OPERATOR_PORT");
                    if (chat != null) {
                        new java.net.ServerSocket(Integer.parseInt(chat), 1, loopback);
                    }
                    var server = com.sun.net.httpserver.HttpServer.create(
                            new java.net.InetSocketAddress(loopback, Integer.parseInt(port)), 0);
                    server.createContext("/readyz", exchange -> {
                        exchange.sendResponseHeaders(200, -1);
                        exchange.close();
                    });
                    server.start();
                    System.out.println("arguments " + String.join(" ", arguments));
                    new java.util.TreeMap<>(System.getenv()).forEach((name, value) -> {
                        if (name.startsWith("BELLWETHER_")) {
                            System.out.println(name + "=" + value);
                        }
                    });
                }
            }
            """;

    @TempDir
    private Path directory;

    private Path home;
    private Path data;

    @BeforeEach
    void build() throws IOException {
        home = directory.resolve("home");
        data = directory.resolve("data");
        Files.createDirectories(home.resolve("default-policy/artefact"));
        build(ServiceProgram.GATEWAY);
        build(ServiceProgram.FEEDBACK_STREAM);
        build(ServiceProgram.TRAINER);
    }

    private void build(ServiceProgram program) throws IOException {
        int dot = program.mainClass().lastIndexOf('.');
        String name = program.mainClass().substring(dot + 1);
        Path target = Files.createDirectories(home.resolve(program.name()).resolve("target"));
        Path source = target.resolve(name + ".java");
        Files.writeString(target.resolve("classpath"), "");
        Files.writeString(
                source,
                STAND_IN.replace("PACKAGE", program.mainClass().substring(0, dot))
                        .replace("NAME", name));
        int status = ToolProvider.getSystemJavaCompiler()
                .run(null, null, null, "-d", target.resolve("classes").toString(), source.toString());
        assertThat(status).isZero();
    }

    @Test
    void comesUpAgainAfterAKillAndGoesDownLeavingNothing() throws IOException {
        try (ChildProcess up = up(Ports.free())) {
            RunState first = awaitHealthy(up);
            assertThat(first.pid()).isEqualTo(up.pid());
            String curl = "curl -s " + first.chatUrl();
            Await.until(LIMIT, POLL, () -> !up.alive() || up.logTail().contains(curl));
            assertThat(up.logTail()).contains(curl);
            assertThat(Files.readString(data.resolve("logs/trainer.log")))
                    .contains("arguments serve")
                    .contains("BELLWETHER_KAFKA=" + first.kafka())
                    .contains("BELLWETHER_DATA=" + data.resolve("trainer"));

            assertThat(first.services()).allMatch(InstallationIT::lives);
            up.kill();
            assertThat(Await.until(LIMIT, POLL, () -> first.services().stream().noneMatch(InstallationIT::lives)))
                    .as("its children die with it")
                    .isTrue();
            assertThat(run("status")).isEqualTo(3);
            assertThat(run("down")).isZero();

            try (ChildProcess again = up(first.chatUrl().getPort())) {
                RunState second = awaitHealthy(again);
                assertThat(second.kafka()).isEqualTo(first.kafka());

                assertThat(run("down")).isZero();
                assertThat(again.awaitExit(LIMIT)).isTrue();
                assertThat(second.services()).noneMatch(InstallationIT::lives);
                assertThat(RunFile.in(data).read()).isEmpty();
            }
        }
    }

    @Test
    void goesDownLeavingNothingWhileItComesUp() {
        for (int started : List.of(1, Installation.SERVICES)) {
            try (ChildProcess up = up(Ports.free())) {
                List<ServiceState> services = awaitServices(up, started);
                assertThat(run("down")).isZero();
                assertThat(up.awaitExit(LIMIT)).isTrue();
                assertThat(RunFile.in(data).read()).isEmpty();
                assertThat(services).noneMatch(InstallationIT::lives);
            }
        }
    }

    /** The services once there are so many, the last of them perhaps not healthy yet. */
    private List<ServiceState> awaitServices(ChildProcess up, int count) {
        Await.until(LIMIT, Duration.ofMillis(2), () -> !up.alive() || services().size() >= count);
        return services();
    }

    private List<ServiceState> services() {
        return RunFile.in(data).read().map(RunState::services).orElse(List.of());
    }

    /** One that has ended may wait for its parent to ask how; where there is none that does, for good. */
    private static boolean lives(ServiceState service) {
        return ProcessHandle.of(service.pid())
                .filter(ProcessHandle::isAlive)
                .flatMap(process -> process.info().command())
                .isPresent();
    }

    /** The compose file runs the same programs with the same variables, its own replication apart. */
    @Test
    void runsWhatTheComposeFileRuns() throws IOException {
        Map<String, Object> compose = new Yaml(new SafeConstructor(new LoaderOptions()))
                .load(Files.readString(Path.of("../docker-compose.yml")));
        Map<?, ?> services = map(compose.get("services"));
        try (ChildProcess up = up(Ports.free())) {
            awaitHealthy(up);
            for (ServiceProgram program :
                    List.of(ServiceProgram.GATEWAY, ServiceProgram.FEEDBACK_STREAM, ServiceProgram.TRAINER)) {
                Map<?, ?> service = map(services.get(program.name()));
                assertThat((List<?>) service.get("command")).isEqualTo(command(program));
                Set<Object> variables =
                        new TreeSet<>(map(service.get("environment")).keySet());
                variables.removeAll(Set.of("BELLWETHER_REPLICATION", "BELLWETHER_STANDBYS"));
                assertThat(variables).isEqualTo(variables(data.resolve("logs/" + program.name() + ".log")));
            }
        }
    }

    private static Map<?, ?> map(@Nullable Object value) {
        return (Map<?, ?>) Objects.requireNonNull(value);
    }

    private static List<String> command(ServiceProgram program) {
        List<String> command = new ArrayList<>(List.of(program.mainClass()));
        command.addAll(program.arguments());
        return command;
    }

    private static Set<String> variables(Path log) throws IOException {
        return Files.readAllLines(log).stream()
                .filter(line -> line.startsWith("BELLWETHER_"))
                .map(line -> line.substring(0, line.indexOf('=')))
                .filter(name -> !name.equals("BELLWETHER_HOME"))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private ChildProcess up(int port) {
        JavaCommand command = new JavaCommand(
                List.of("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
                JavaCommand.OWN_CLASS_PATH,
                Standalone.class.getName(),
                List.of("up", "--data", data.toString(), "--port", String.valueOf(port)));
        Map<String, String> environment = new HashMap<>(command.environment());
        environment.put("BELLWETHER_HOME", home.toString());
        return ChildProcess.start("up", command.words(), environment, directory, directory.resolve("up.log"));
    }

    private RunState awaitHealthy(ChildProcess up) {
        RunFile file = RunFile.in(data);
        Await.until(
                LIMIT,
                POLL,
                () -> !up.alive()
                        || file.read()
                                .filter(state -> state.pid() == up.pid() && state.healthy())
                                .isPresent());
        assertThat(up.alive())
                .as(() -> new LogFile(directory.resolve("up.log")).tail())
                .isTrue();
        assertThat(run("status")).isZero();
        return RunFile.in(data).read().orElseThrow();
    }

    private int run(String command) {
        var nowhere = new PrintWriter(new StringWriter());
        return Standalone.run(Map.of(), nowhere, nowhere, command, "--data", data.toString());
    }
}
