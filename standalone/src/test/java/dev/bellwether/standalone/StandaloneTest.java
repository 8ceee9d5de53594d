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
    void takesNoProcessForARunThatDoesNotHoldTheFolder() throws IOException {
        Files.createDirectories(Path.of(data()));
        long self = ProcessHandle.current().pid();
        var service = new ServiceState("trainer", self, 2, ServiceState.Health.HEALTHY, "log");
        URI url = URI.create("http://127.0.0.1:1");
        RunFile.in(Path.of(data())).write(new RunState(self, url, url, "k", "r", "a", "o", "s", List.of(service)));
        Files.writeString(Path.of(data()).resolve("lock"), Long.toString(self));

        assertThat(run("status", "--data", data(), "--json")).isEqualTo(3);
        assertThat(out.toString()).contains("\"services\": []");
        assertThat(run("down", "--data", data())).isZero();
        assertThat(out.toString()).contains("Nothing runs on");
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
