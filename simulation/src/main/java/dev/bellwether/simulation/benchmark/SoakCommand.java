package dev.bellwether.simulation.benchmark;

import dev.bellwether.simulation.file.ReportFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code soak serving}: whether what a gateway holds stays level over a long time. */
@Command(
        name = "soak",
        description = "Run a gateway for a long time under changes; fails where what it holds does not stay level.")
public final class SoakCommand implements Callable<Integer> {
    private final Map<String, String> environment;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    /** What can be soaked. */
    private enum Part {
        SERVING
    }

    @Parameters(index = "0", paramLabel = "NAME", description = "serving: chats, readers who leave, new versions.")
    @SuppressWarnings("UnusedVariable")
    private Part part = Part.SERVING;

    @Option(names = "--minutes", defaultValue = "20", description = "How long (${DEFAULT-VALUE}).")
    private int minutes;

    @Option(names = "--json", description = "File to write the figures to.")
    private Optional<Path> json = Optional.empty();

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help and exit.")
    @SuppressWarnings("UnusedVariable")
    private boolean help;

    public SoakCommand(Map<String, String> environment) {
        this.environment = environment;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (minutes < 1 || minutes > 10_000) {
            throw new ParameterException(spec.commandLine(), "--minutes is 1 to 10000, not " + minutes);
        }
        Optional<ReportFile> file = json.isPresent() ? Optional.of(ReportFile.at(json.get())) : Optional.empty();
        Path home = Path.of(environment.getOrDefault("BELLWETHER_HOME", "."));
        Path scratch = Files.createTempDirectory("bellwether-soak");
        try {
            BenchmarkReport report = new Soak(
                            home,
                            scratch,
                            Duration.ofMinutes(minutes),
                            spec.commandLine().getErr())
                    .run();
            report.print(spec.commandLine().getOut());
            if (file.isPresent()) {
                file.get().write(report);
            }
            return report.met() ? 0 : 1;
        } finally {
            BenchCommand.delete(scratch);
        }
    }
}
