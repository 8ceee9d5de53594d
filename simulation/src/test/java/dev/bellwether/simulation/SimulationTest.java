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
            "--url",
            "http://127.0.0.1:1",
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
        assertThat(simulate()).isEqualTo(1);
        assertThat(err.toString()).contains("--api-key-file").contains("BELLWETHER_API_KEY");
    }

    @Test
    void saysThatNoGatewayAnswers() throws IOException {
        Path key = Files.writeString(folder.resolve("key.txt"), "key\n");

        assertThat(simulate("--api-key-file", key.toString())).isEqualTo(1);
        assertThat(err.toString()).startsWith("simulate: ").contains("http://127.0.0.1:1");
    }

    @Test
    void refusesAnImpossibleNumberOfInteractions() {
        assertThat(simulate("--interactions", "0")).isEqualTo(1);
        assertThat(err.toString()).contains("interactions must be at least 1, are 0");
    }

    @Test
    void saysThatNothingRuns() {
        assertThat(run("rollout", "status", "support", "--data", folder.toString()))
                .isEqualTo(1);
        assertThat(err.toString()).contains("nothing runs on " + folder);
    }
}
