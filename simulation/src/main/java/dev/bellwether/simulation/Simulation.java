package dev.bellwether.simulation;

import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.sdk.BellwetherException;
import dev.bellwether.simulation.benchmark.BenchCommand;
import dev.bellwether.simulation.benchmark.SoakCommand;
import dev.bellwether.simulation.demo.DemoCommand;
import dev.bellwether.simulation.experiment.ExperimentCommand;
import dev.bellwether.standalone.StandaloneException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The commands {@code demo}, {@code simulate}, {@code rollout}, {@code dead-letters}, {@code bench} and {@code soak}. */
@Command(
        name = "bellwether",
        description = "Customers with a hidden taste, and what operators do.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND")
public final class Simulation {
    private Simulation() {}

    public static void main(String[] arguments) {
        System.setProperty("ai.djl.offline", "true");
        if (System.getProperty("logback.configurationFile") == null) {
            System.setProperty("logback.configurationFile", "dev/bellwether/simulation/simulation-logback.xml");
        }
        var out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        var err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
        System.exit(run(System.getenv(), out, err, arguments));
    }

    /** Every command; a further one is added here. */
    private static List<Object> commands(Map<String, String> environment) {
        return List.of(
                new DemoCommand(environment),
                new SimulateCommand(environment),
                new ExperimentCommand(environment),
                new RolloutCommand(),
                new DeadLettersCommand(),
                new BenchCommand(environment),
                new SoakCommand(environment));
    }

    /** Runs one command and gives its exit status: 0 done, 1 failed, 2 not understood. */
    static int run(Map<String, String> environment, PrintWriter out, PrintWriter err, String... arguments) {
        CommandLine line = new CommandLine(new Simulation());
        commands(environment).forEach(line::addSubcommand);
        return line.setOut(out)
                .setErr(err)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler((failure, command, parsed) -> {
                    if (!expected(failure)) {
                        throw failure;
                    }
                    command.getErr().println(command.getCommandName() + ": " + failure.getMessage());
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

    /** Failures whose message says all that a person needs. */
    private static boolean expected(Exception failure) {
        return failure instanceof IOException
                || failure instanceof UncheckedIOException
                || failure instanceof IllegalArgumentException
                || failure instanceof BellwetherException
                || failure instanceof StandaloneException
                || failure instanceof UnsupportedCheckpointException;
    }
}
