package dev.bellwether.trainer;

import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.policy.prompt.PromptRefusedException;
import dev.bellwether.trainer.collected.ImportFeedbackCommand;
import dev.bellwether.trainer.dataset.ExportCommand;
import dev.bellwether.trainer.evaluation.EvaluateCommand;
import dev.bellwether.trainer.refresh.PolicyCommand;
import dev.bellwether.trainer.refresh.RefreshCommand;
import dev.bellwether.trainer.refresh.RewardCommand;
import dev.bellwether.trainer.refresh.ServeCommand;
import dev.bellwether.trainer.release.ImportCommand;
import dev.bellwether.trainer.sft.ComposeCommand;
import dev.bellwether.trainer.sft.SftCommand;
import dev.bellwether.trainer.speed.SpeedCommand;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The trainer: every stage as a command, and {@code serve}, which runs them whenever enough feedback has come. */
@Command(
        name = "train",
        description = "Train, judge and publish policies.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            ComposeCommand.class,
            SftCommand.class,
            RewardCommand.class,
            PolicyCommand.class,
            RefreshCommand.class,
            EvaluateCommand.class,
            ImportCommand.class,
            ExportCommand.class,
            ImportFeedbackCommand.class,
            ServeCommand.class,
            SpeedCommand.class
        })
public final class Trainer {
    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = ScopeType.INHERIT,
            description = "Show this help and exit.")
    @SuppressWarnings("UnusedVariable")
    private boolean help;

    private Trainer() {}

    public static void main(String[] arguments) {
        prepare();
        System.exit(commandLine().execute(arguments));
    }

    static void prepare() {
        System.setProperty("ai.djl.offline", "true");
    }

    /** Exit status 2 where an option is wrong, 1 where the work failed. */
    static CommandLine commandLine() {
        return commandLine(new Trainer());
    }

    static CommandLine commandLine(Object root) {
        // An option's value may begin with @ and mean it.
        CommandLine all = new CommandLine(root).setExpandAtFiles(false);
        all.setParameterExceptionHandler((failure, given) -> {
            CommandLine command = failure.getCommandLine();
            command.getErr().println(failure.getMessage());
            command.getErr()
                    .println("See: ./bellwether %s --help"
                            .formatted(command.getCommandSpec().qualifiedName()));
            return CommandLine.ExitCode.USAGE;
        });
        return all.setExecutionExceptionHandler((exception, commandLine, result) -> {
            if (!expected(exception)) {
                throw exception;
            }
            String message = exception instanceof NoSuchFileException missing
                    ? missing.getFile() + " does not exist"
                    : exception.getMessage();
            commandLine.getErr().println(all.getCommandName() + ": " + message);
            return CommandLine.ExitCode.SOFTWARE;
        });
    }

    /** Failures whose message says all that a person needs. */
    private static boolean expected(Exception failure) {
        return failure instanceof IOException
                || failure instanceof UncheckedIOException
                || failure instanceof IllegalArgumentException
                || failure instanceof UnsupportedCheckpointException
                || failure instanceof PromptRefusedException;
    }
}
