package dev.bellwether.simulation.benchmark;

import dev.bellwether.simulation.file.Folder;
import dev.bellwether.simulation.file.ReportFile;
import java.io.IOException;
import java.io.PrintWriter;
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

/** {@code soak}: whether the service keeps what it promises over a long time. */
@Command(
        name = "soak",
        description = "Run the service for a long time under changes; fails where it does not keep what it promises.")
public final class SoakCommand implements Callable<Integer> {
    private final Map<String, String> environment;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    /** What can be soaked. */
    private enum Part {
        SERVING,
        FEEDBACK
    }

    @Parameters(
            index = "0",
            paramLabel = "NAME",
            description =
                    "serving: chats, readers who leave, new versions; feedback: judgements while everything dies in turn.")
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
            Duration time = Duration.ofMinutes(minutes);
            PrintWriter err = spec.commandLine().getErr();
            BenchmarkReport report = switch (part) {
                case SERVING -> new Soak(home, scratch, time, err).run();
                case FEEDBACK -> new FeedbackSoak(home, scratch, time, err).run();
            };
            report.print(spec.commandLine().getOut());
            if (file.isPresent()) {
                file.get().write(report);
            }
            return report.met() ? 0 : 1;
        } finally {
            Folder.delete(scratch);
        }
    }
}
