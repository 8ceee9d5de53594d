package dev.bellwether.trainer;

import dev.bellwether.trainer.dataset.ExportCommand;
import dev.bellwether.trainer.evaluation.EvaluateCommand;
import dev.bellwether.trainer.refresh.PpoCommand;
import dev.bellwether.trainer.refresh.RefreshCommand;
import dev.bellwether.trainer.refresh.RewardCommand;
import dev.bellwether.trainer.refresh.ServeCommand;
import dev.bellwether.trainer.release.ImportCommand;
import dev.bellwether.trainer.sft.ComposeCommand;
import dev.bellwether.trainer.sft.SftCommand;
import java.io.IOException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The trainer: every stage as a command, and {@code serve}, which runs them whenever enough feedback has come. */
@Command(
        name = "train",
        description = "Train, judge and publish policies.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            ComposeCommand.class,
            SftCommand.class,
            RewardCommand.class,
            PpoCommand.class,
            RefreshCommand.class,
            EvaluateCommand.class,
            ImportCommand.class,
            ExportCommand.class,
            ServeCommand.class
        })
public final class Trainer {
    private Trainer() {}

    public static void main(String[] arguments) {
        System.setProperty("ai.djl.offline", "true");
        System.setProperty("ai.djl.default_engine", "PyTorch");
        int status = new CommandLine(new Trainer())
                .setExecutionExceptionHandler((exception, commandLine, result) -> {
                    if (exception instanceof IOException || exception instanceof IllegalArgumentException) {
                        commandLine.getErr().println("train: " + exception.getMessage());
                        return 1;
                    }
                    throw exception;
                })
                .execute(arguments);
        System.exit(status);
    }
}
