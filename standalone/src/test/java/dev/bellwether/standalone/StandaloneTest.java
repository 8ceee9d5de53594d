package dev.bellwether.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StandaloneTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    private Path directory;

    @Test
    void portInUseStartsNothingAndNamesThePort() throws IOException {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            int status = run("up", "--data", data(), "--port", String.valueOf(taken.getLocalPort()));

            assertThat(status).isEqualTo(1);
            assertThat(err.toString())
                    .contains("Port " + taken.getLocalPort())
                    .contains("--port")
                    .doesNotContain("Exception");
            assertThat(RunFile.in(Path.of(data())).read()).isEmpty();
        }
    }

    @Test
    void folderInUseNamesTheFolder() {
        try (DataFolder folder = DataFolder.open(Path.of(data()))) {
            assertThat(run("up", "--data", data())).isEqualTo(1);
            assertThat(err.toString()).contains(folder.directory().toString()).contains("in use by process");
        }
    }

    @Test
    void unbuiltModulesAreNamed() {
        int status = run("up", "--data", data(), "--port", "0");

        assertThat(status).isEqualTo(1);
        assertThat(err.toString()).contains("gateway is not built").contains("./bellwether build");
    }

    @Test
    void unknownOptionAndPortThatIsNoPortAreRefused() {
        assertThat(run("up", "--colour")).isEqualTo(2);
        assertThat(err.toString()).contains("--colour");
        assertThat(run("up", "--data", data(), "--port", "many")).isEqualTo(2);
        assertThat(run("up", "--data", data(), "--port", "70000")).isEqualTo(1);
        assertThat(err.toString()).contains("between 0 and 65535");
    }

    @Test
    void statusOfNothingIsNotHealthy() {
        assertThat(run("status", "--data", data())).isEqualTo(3);
        assertThat(out.toString()).contains("Nothing runs on");
        assertThat(run("down", "--data", data())).isZero();
    }

    @Test
    void statusTellsOfAServiceThatDied() throws IOException {
        Files.createDirectories(Path.of(data()));
        var self = ProcessIdentity.of(ProcessHandle.current());
        var dead = new ServiceState("trainer", self.pid(), Instant.EPOCH, 2, ServiceState.Health.HEALTHY, "log");
        URI url = URI.create("http://127.0.0.1:1");
        RunFile.in(Path.of(data()))
                .write(new RunState(self.pid(), self.startedAt(), url, url, "k", "r", "a", "o", "s", List.of(dead)));

        assertThat(run("status", "--data", data(), "--json")).isEqualTo(3);
        assertThat(out.toString()).contains("\"health\" : \"dead\"").contains("\"restarts\" : 2");
    }

    @Test
    void whatAKilledSupervisorLeftIsShownAndEnded() throws IOException {
        Files.createDirectories(Path.of(data()));
        Process left = new ProcessBuilder("sleep", "600").start();
        try {
            var self = ProcessIdentity.of(ProcessHandle.current());
            var orphan = ProcessIdentity.of(left.toHandle());
            var service = new ServiceState(
                    "gateway", orphan.pid(), orphan.startedAt(), 0, ServiceState.Health.HEALTHY, "log");
            URI url = URI.create("http://127.0.0.1:1");
            var gone = new RunState(self.pid(), Instant.EPOCH, url, url, "k", "r", "a", "o", "s", List.of(service));
            RunFile.in(Path.of(data())).write(gone);

            assertThat(run("status", "--data", data())).isEqualTo(3);
            assertThat(out.toString()).contains("gateway");
            assertThat(err.toString()).contains("supervisor was killed").contains("down --data '" + data() + "'");
            assertThat(run("down", "--data", data())).isZero();
            assertThat(out.toString()).contains("Stopped what a killed run had left");
            assertThat(left.onExit()).succeedsWithin(Duration.ofSeconds(30));
        } finally {
            left.destroyForcibly();
        }
    }

    @Test
    void anotherProcessWithARememberedPidIsNotTakenForTheOldOne() {
        var self = ProcessIdentity.of(ProcessHandle.current());

        assertThat(self.live()).isPresent();
        assertThat(new ProcessIdentity(self.pid(), self.startedAt().minusSeconds(60)).live())
                .isEmpty();
    }

    private String data() {
        return directory.resolve("data").toString();
    }

    private int run(String... arguments) {
        Map<String, String> environment =
                Map.of("BELLWETHER_HOME", directory.resolve("home").toString());
        return Standalone.run(environment, new PrintWriter(out, true), new PrintWriter(err, true), arguments);
    }
}
