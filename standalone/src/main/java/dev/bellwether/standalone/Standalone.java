package dev.bellwether.standalone;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The commands {@code up}, {@code status} and {@code down}: Bellwether on one machine. */
@Command(
        name = "bellwether",
        description = "Runs Bellwether on this machine.",
        version = "Bellwether 0.1.0",
        scope = ScopeType.INHERIT,
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "up|status|down")
public final class Standalone {
    static final int EXIT_UNHEALTHY = 3;

    private static final Duration DOWN_LIMIT = Duration.ofMinutes(4);
    private static final Duration DOWN_POLL = Duration.ofMillis(100);
    private static final Duration WAIT_SLICE = Duration.ofHours(1);

    private final Map<String, String> environment;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    private Standalone(Map<String, String> environment) {
        this.environment = environment;
    }

    public static void main(String[] arguments) {
        if (System.getProperty("logback.configurationFile") == null) {
            System.setProperty("logback.configurationFile", "dev/bellwether/standalone/standalone-logback.xml");
        }
        var out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        var err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
        System.exit(run(System.getenv(), out, err, arguments));
    }

    /** Runs one command and gives its exit status: 0 done, 1 failed, 2 not understood, 3 not healthy. */
    static int run(Map<String, String> environment, PrintWriter out, PrintWriter err, String... arguments) {
        return new CommandLine(new Standalone(environment))
                .setOut(out)
                .setErr(err)
                .setExecutionExceptionHandler((failure, command, parsed) -> {
                    command.getErr().println(message(failure));
                    return CommandLine.ExitCode.SOFTWARE;
                })
                .setParameterExceptionHandler((failure, given) -> {
                    CommandLine command = failure.getCommandLine();
                    command.getErr().println(failure.getMessage());
                    command.getErr().println("See: ./bellwether " + command.getCommandName() + " --help");
                    return CommandLine.ExitCode.USAGE;
                })
                .execute(arguments.length == 0 ? new String[] {"--help"} : arguments);
    }

    private static String message(Exception failure) {
        String cause =
                failure.getCause() == null ? "" : ": " + failure.getCause().getMessage();
        return failure.getMessage() + (failure instanceof StandaloneException ? "" : cause);
    }

    @Command(name = "up", description = "Starts everything and stays until Ctrl-C or `down`.")
    int up(
            @Option(names = "--data", defaultValue = ".bellwether", description = "The data folder (${DEFAULT-VALUE}).")
                    Path data,
            @Option(names = "--port", defaultValue = "8080", description = "The chat port (${DEFAULT-VALUE}).")
                    int port,
            @Option(names = "--bots", description = "A bots.yaml that replaces the data folder's own.")
                    Optional<Path> bots) {
        Path home = Path.of(environment.getOrDefault("BELLWETHER_HOME", "."));
        InstallationSettings settings = InstallationSettings.of(
                        home.toAbsolutePath().normalize(), data)
                .chatPort(port)
                .searchPath(environment.getOrDefault("PATH", ""));
        try (Installation installation =
                Installation.start(bots.map(settings::bots).orElse(settings))) {
            greet(installation);
            while (!installation.awaitClosed(WAIT_SLICE)) {
                // Stays up for as long as nobody stops it.
            }
        }
        return CommandLine.ExitCode.OK;
    }

    private void greet(Installation installation) {
        DataFolder folder = installation.folder();
        out().printf(
                        """
                        Bellwether is up.

                          chat          %s/
                          operators     %s/
                          API key       %s
                          operator key  %s
                          logs          %s
                          memory        %s

                        Try it:

                        %s

                        Stop it with Ctrl-C, or: ./bellwether down --data '%s'
                        """,
                        installation.chatUrl(),
                        installation.operatorUrl(),
                        folder.apiKeyFile(),
                        folder.operatorKeyFile(),
                        folder.directory().resolve("logs"),
                        installation.modelMemory(),
                        installation.curl(),
                        folder.directory())
                .flush();
    }

    @Command(name = "status", description = "Says what runs, and how it does.")
    int status(
            @Option(names = "--data", defaultValue = ".bellwether", description = "The data folder (${DEFAULT-VALUE}).")
                    Path data,
            @Option(names = "--json", description = "As JSON.") boolean json) {
        Optional<RunState> running = running(data);
        if (running.isEmpty()) {
            out().println(json ? "{\"services\": []}" : nothingRuns(data));
            return EXIT_UNHEALTHY;
        }
        out().println(json ? RunFile.text(running.get()) : table(running.get()));
        return running.get().healthy() ? CommandLine.ExitCode.OK : EXIT_UNHEALTHY;
    }

    private static String nothingRuns(Path data) {
        return "Nothing runs on " + data + ".";
    }

    private static String table(RunState state) {
        var lines = new StringBuilder("chat %s   operators %s%n%n".formatted(state.chatUrl(), state.operatorUrl()));
        lines.append("%-16s %-10s %8s %9s  %s%n".formatted("service", "health", "process", "restarts", "log"));
        for (ServiceState each : state.services()) {
            lines.append("%-16s %-10s %8d %9d  %s%n"
                    .formatted(each.name(), each.health(), each.pid(), each.restarts(), each.log()));
        }
        return lines.toString().stripTrailing();
    }

    @Command(name = "down", description = "Stops what runs on a data folder.")
    int down(
            @Option(names = "--data", defaultValue = ".bellwether", description = "The data folder (${DEFAULT-VALUE}).")
                    Path data) {
        Optional<ProcessHandle> supervisor = FolderLock.holder(data);
        if (supervisor.isEmpty()) {
            out().println(nothingRuns(data));
            return CommandLine.ExitCode.OK;
        }
        supervisor.get().destroy();
        if (!Await.until(DOWN_LIMIT, DOWN_POLL, () -> FolderLock.holder(data).isEmpty())) {
            throw new StandaloneException(
                    "not_stopped",
                    "Process %1$d did not stop within %2$d s. Look at the logs in %3$s, and end it with `kill -9 %1$d`."
                            .formatted(supervisor.get().pid(), DOWN_LIMIT.toSeconds(), data.resolve("logs")));
        }
        out().println("Stopped.");
        return CommandLine.ExitCode.OK;
    }

    private static Optional<RunState> running(Path data) {
        return FolderLock.holder(data)
                .flatMap(holder -> RunFile.in(data).read().filter(state -> state.pid() == holder.pid()));
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }
}
