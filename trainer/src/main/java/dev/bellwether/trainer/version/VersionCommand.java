package dev.bellwether.trainer.version;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** {@code version}: the versions of a bot. */
@Command(
        name = "version",
        description = "Add, list, show and remove the versions of a bot: checkpoints and upstream services.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            AddVersionCommand.class,
            ListVersionsCommand.class,
            ShowVersionCommand.class,
            RemoveVersionCommand.class
        })
public final class VersionCommand {
    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = ScopeType.INHERIT,
            description = "Show this help and exit.")
    @SuppressWarnings("UnusedVariable")
    private boolean help;
}
