package dev.bellwether.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SimulationTest {
    private static final String URL = "http://127.0.0.1:1";

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    private Path folder;

    private Path questions;
    private Path facts;

    @BeforeEach
    void write() throws IOException {
        questions = Files.writeString(folder.resolve("questions.csv"), "text,category\nWhere?,card\n");
        facts = Files.writeString(folder.resolve("facts.yaml"), "card: {facts: [monday]}\n");
    }

    private int run(String... arguments) {
        return Simulation.run(Map.of(), new PrintWriter(out, true), new PrintWriter(err, true), arguments);
    }

    private int simulate(String... more) {
        String[] arguments = {
            "simulate",
            "--prompts",
            questions.toString(),
            "--taste",
            "tastes/default.yaml",
            "--facts",
            facts.toString(),
            "--centre",
            "0"
        };
        String[] all = java.util.Arrays.copyOf(arguments, arguments.length + more.length);
        System.arraycopy(more, 0, all, arguments.length, more.length);
        return run(all);
    }

    @Test
    void listsItsCommands() {
        assertThat(run()).isZero();
        assertThat(out.toString()).contains("simulate").contains("rollout");
    }

    @Test
    void namesAMissingOption() {
        assertThat(run("simulate", "--url", "http://127.0.0.1:1")).isEqualTo(2);
        assertThat(err.toString()).contains("--prompts").contains("./bellwether simulate --help");
    }

    @Test
    void namesAnUnknownRolloutAction() {
        assertThat(run("rollout", "launch", "support")).isEqualTo(2);
        assertThat(err.toString()).contains("'launch' is none of status, start, pause");
    }

    @Test
    void asksForAKey() {
        assertThat(simulate("--url", URL)).isEqualTo(1);
        assertThat(err.toString()).contains("--api-key-file").contains("BELLWETHER_API_KEY");
    }

    @Test
    void saysThatNoGatewayAnswers() throws IOException {
        Path key = Files.writeString(folder.resolve("key.txt"), "key\n");

        assertThat(simulate("--url", URL, "--api-key-file", key.toString())).isEqualTo(1);
        assertThat(err.toString()).startsWith("simulate: ").contains("http://127.0.0.1:1");
    }

    @Test
    void refusesWhatIsNoUrl() {
        for (String url : new String[] {"localhost:8080", "127.0.0.1:8080", "//localhost:8080", "http:///x", "a b"}) {
            assertThat(simulate("--url", url)).isEqualTo(1);
            assertThat(err.toString()).contains("'%s' is no address of a gateway".formatted(url));
        }
    }

    @Test
    void refusesAReportThatCannotBeWrittenBeforeItStarts() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "");

        assertThat(simulate("--url", URL, "--report", folder.toString())).isEqualTo(1);
        assertThat(err.toString()).contains("no report can be written to %s: it is a folder".formatted(folder));
        assertThat(simulate("--url", URL, "--report", file.resolve("r.json").toString()))
                .isEqualTo(1);
        assertThat(err.toString()).contains("r.json: its folder cannot be made");
    }

    @Test
    void refusesAnImpossibleNumberOfInteractions() {
        assertThat(simulate("--url", URL, "--interactions", "0")).isEqualTo(1);
        assertThat(err.toString()).contains("interactions must be at least 1, are 0");
    }

    @Test
    void saysThatNothingRuns() {
        assertThat(run("rollout", "status", "support", "--data", folder.toString()))
                .isEqualTo(1);
        assertThat(err.toString()).contains("nothing runs on " + folder);
    }
}
