package dev.bellwether.simulation.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class ExperimentTest {
    private static final String REPORT = """
            {"base_satisfaction": 0.5, "best_of_64_satisfaction": 0.9, "feedback_acknowledged": 3000,
             "interactions": 10000, "seconds": 900,
             "versions": [
               {"version": "default", "state": "replaced", "satisfaction": 0.5},
               {"version": "v1", "state": "replaced", "satisfaction": 0.6},
               {"version": "v2", "state": "refused", "satisfaction": 0.8},
               {"version": "v3", "state": "promoted", "satisfaction": 0.84}],
             "refreshes": [{"id": "3"}, {"id": "1"}, {"id": "2"}]}
            """;

    @TempDir
    private Path home = Path.of("");

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void countsWhatServesAfterEachRefresh() throws IOException {
        Course course = Course.of("run", new ObjectMapper().readTree(REPORT));
        assertThat(course.satisfactions()).containsExactly(.5, .6, .6, .84);
        assertThat(course.share()).isCloseTo(.34 / .4, within(1e-9));
        assertThat(course.promoted()).isEqualTo(2);
    }

    @Test
    void variesOneThing() {
        for (Experiment experiment : Experiment.values()) {
            List<Run> runs = experiment.runs(List.of("default", "very-short"), 2);
            assertThat(runs.stream().map(Run::name)).as(experiment.label()).doesNotHaveDuplicates();
            assertThat(runs.stream().map(Run::seed).distinct()).containsExactly(1L, 2L);
            assertThat(runs)
                    .allSatisfy(run -> assertThat(run.refreshes()
                                    * (int) run.bot().getOrDefault("refresh.judgements", 3_000 / run.refreshes()))
                            .as("judgements of a run")
                            .isEqualTo(3_000));
        }
    }

    @Test
    void itsHelpNamesEach() {
        String help = new CommandLine(new ExperimentCommand(Map.of())).getUsageMessage();

        for (Experiment experiment : Experiment.values()) {
            assertThat(help).contains("  " + experiment.label() + " ");
        }
    }

    /** A home whose demo takes no time, and writes down how it was called. */
    private void home() throws IOException {
        Files.createDirectories(home.resolve("simulation/tastes"));
        for (String file : List.of("simulation/demo-bots.yaml", "simulation/tastes/default.yaml")) {
            Files.copy(Path.of("..").resolve(file), home.resolve(file));
        }
        Path script = home.resolve("bellwether");
        Files.writeString(script, """
                #!/bin/sh
                echo "$@" >> "%s/calls"
                while [ $# -gt 0 ]; do [ "$1" = --report ] && report=$2; shift; done
                [ -e "%s/broken" ] || cp "%s/report.json" "$report"
                """.formatted(home, home, home));
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.writeString(home.resolve("report.json"), REPORT);
    }

    private int run(String... arguments) {
        return new CommandLine(new ExperimentCommand(Map.of("BELLWETHER_HOME", home.toString())))
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .setExecutionExceptionHandler((failure, command, _) -> {
                    command.getErr().println(failure.getMessage());
                    return 1;
                })
                .execute(Stream.concat(
                                Stream.of(arguments),
                                Stream.of("--out", home.resolve("out").toString()))
                        .toArray(String[]::new));
    }

    @Test
    void goesOnWhereItWas() throws IOException {
        home();
        Files.createFile(home.resolve("broken"));
        assertThat(run("evidence")).isEqualTo(1);
        assertThat(err.toString()).contains("ended without a report", "thumbs-alone-default-1.log");
        Files.delete(home.resolve("broken"));
        assertThat(run("evidence")).isZero();
        assertThat(run("evidence")).isZero();
        assertThat(Files.readAllLines(home.resolve("calls")))
                .as("one failed, three were run once")
                .hasSize(4);
        Path liked = home.resolve("simulation/tastes/default.yaml");
        Files.writeString(liked, Files.readString(liked) + "\n# It is another one now.\n");
        assertThat(run("evidence")).isZero();
        assertThat(Files.readAllLines(home.resolve("calls")))
                .as("runs with another taste are other runs")
                .hasSize(7);
        assertThat(out.toString())
                .contains("| duels alone | default | 0.85 | 0.85 | 0.25, 0.25, 0.85 | 2 of 3 | 3000 | 15 |");
        assertThat(home.resolve("out/evidence/evidence.png")).isNotEmptyFile();
        var bots = new YAMLMapper()
                .readTree(home.resolve("out/evidence/thumbs-alone-default-1.bots.yaml")
                        .toFile());
        assertThat(bots.at("/bots/support/chat/duel_share").asDouble(1)).isZero();
        assertThat(bots.at("/bots/support/chat/temperature").asDouble()).isEqualTo(.7);
        var taste = new YAMLMapper()
                .readTree(home.resolve("out/evidence/both-default-1.taste.yaml").toFile());
        assertThat(taste.path("flip_rate").asDouble()).isEqualTo(.2);
        assertThat(taste.path("rules")).isNotEmpty();
    }

    /** A description is a format; picocli prints one with a lone % sign as it stands, behind a warning. */
    @Test
    void explainsItselfWithoutWarnings() {
        CommandLine.Model.CommandSpec spec = new CommandLine(new ExperimentCommand(Map.of())).getCommandSpec();
        Stream<String> options = spec.args().stream().flatMap(each -> Stream.of(each.description()));
        assertThat(Stream.concat(Stream.of(spec.usageMessage().description()), options))
                .allSatisfy(line -> assertThatCode(line::formatted).doesNotThrowAnyException());
    }

    @Test
    void saysWhichExperimentsAndTastesThereAre() throws IOException {
        home();
        assertThat(run("luck")).isEqualTo(CommandLine.ExitCode.USAGE);
        assertThat(err.toString()).contains("no experiment 'luck'", "gain, noise");
        assertThat(run("gain", "--taste", "sour")).isEqualTo(1);
        assertThat(err.toString()).contains("no taste 'sour'", "default");
    }
}
