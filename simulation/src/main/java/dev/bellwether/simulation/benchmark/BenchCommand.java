package dev.bellwether.simulation.benchmark;

import dev.bellwether.simulation.file.ReportFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code bench NAME}: measures a part of the service against its floor or a peer. */
@Command(name = "bench", description = "Measure a part of the service against its floor, or a peer, in the same run.")
public final class BenchCommand implements Callable<Integer> {
    private final Map<String, String> environment;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Parameters(
            index = "0",
            paramLabel = "NAME",
            description = "gateway: through an upstream that answers at once; overload: five times what it can answer.")
    private String name = "";

    @Option(names = "--peer", description = "Folder with the recipe of a peer to measure against (npm must be there).")
    private Optional<Path> peer = Optional.empty();

    @Option(names = "--seconds", defaultValue = "8", description = "Of one measurement (${DEFAULT-VALUE}).")
    private int seconds;

    @Option(names = "--json", description = "File to write the figures to.")
    private Optional<Path> json = Optional.empty();

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help and exit.")
    @SuppressWarnings("UnusedVariable")
    private boolean help;

    public BenchCommand(Map<String, String> environment) {
        this.environment = environment;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (!name.equals("gateway") && !name.equals("overload")) {
            throw new ParameterException(
                    spec.commandLine(), "'%s' is no benchmark; there are: gateway, overload".formatted(name));
        }
        if (seconds < 1 || seconds > 600) {
            throw new ParameterException(spec.commandLine(), "--seconds is 1 to 600, not " + seconds);
        }
        if (peer.isPresent() && !Files.exists(peer.get().resolve("package.json"))) {
            throw new ParameterException(
                    spec.commandLine(), "%s holds no package.json of a peer".formatted(peer.get()));
        }
        Optional<ReportFile> file = json.isPresent() ? Optional.of(ReportFile.at(json.get())) : Optional.empty();
        Path home = Path.of(environment.getOrDefault("BELLWETHER_HOME", "."));
        Path scratch = Files.createTempDirectory("bellwether-bench");
        try {
            GatewayBenchmark.Settings settings = new GatewayBenchmark.Settings(
                    home, scratch, peer.map(Path::toAbsolutePath), Duration.ofSeconds(seconds));
            PrintWriter progress = spec.commandLine().getErr();
            BenchmarkReport report = name.equals("gateway")
                    ? new GatewayBenchmark(settings, progress).run()
                    : new OverloadBenchmark(settings, progress).run();
            report.print(spec.commandLine().getOut());
            if (file.isPresent()) {
                file.get().write(report);
            }
        } finally {
            delete(scratch);
        }
        return 0;
    }

    private static void delete(Path directory) throws IOException {
        List<Path> all;
        try (Stream<Path> paths = Files.walk(directory)) {
            all = paths.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : all) {
            Files.deleteIfExists(path);
        }
    }
}
