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
        Optional<RunState> known = running.or(() -> leftBehind(data));
        if (known.isEmpty()) {
            out().println(json ? "{\"services\": []}" : "Nothing runs on " + data + ".");
            return EXIT_UNHEALTHY;
        }
        RunState state = known.get().observedNow();
        out().println(json ? RunFile.text(state) : table(state));
        if (running.isEmpty()) {
            spec.commandLine()
                    .getErr()
                    .printf(
                            "Their supervisor was killed. End what it left with: ./bellwether down --data '%s'%n",
                            data);
            return EXIT_UNHEALTHY;
        }
        return state.healthy() ? CommandLine.ExitCode.OK : EXIT_UNHEALTHY;
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
        Optional<RunState> running = running(data);
        if (running.isEmpty()) {
            boolean left = leftBehind(data).isPresent();
            if (RunFile.in(data).read().isPresent()) {
                try (DataFolder folder = DataFolder.open(data)) {
                    folder.runFile().endLeftovers();
                }
            }
            out().println(
                            left
                                    ? "Stopped what a killed run had left on " + data + "."
                                    : "Nothing runs on " + data + ".");
            return CommandLine.ExitCode.OK;
        }
        ProcessIdentity supervisor = running.get().supervisor();
        supervisor.live().ifPresent(ProcessHandle::destroy);
        if (!supervisor.awaitEnd(DOWN_LIMIT)) {
            throw new StandaloneException(
                    "not_stopped",
                    ("Process %d did not stop within %d s. Look at the logs in %s; "
                                    + "end it with `kill -9 %d`, and run `down` again to end what it leaves.")
                            .formatted(
                                    supervisor.pid(), DOWN_LIMIT.toSeconds(), data.resolve("logs"), supervisor.pid()));
        }
        out().println("Stopped.");
        return CommandLine.ExitCode.OK;
    }

    private static Optional<RunState> running(Path data) {
        return RunFile.in(data).read().filter(state -> state.supervisor().live().isPresent());
    }

    /** What a run left whose supervisor was killed. */
    private static Optional<RunState> leftBehind(Path data) {
        return RunFile.in(data)
                .read()
                .filter(state -> state.services().stream()
                        .anyMatch(service -> service.process().live().isPresent()));
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }
}
