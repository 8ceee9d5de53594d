package dev.bellwether.trainer.release;

import dev.bellwether.policy.checkpoint.PolicyStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code train import}: takes a Hugging Face checkpoint into the store as a version of a bot. */
@Command(
        name = "import",
        description = "Take a Hugging Face checkpoint folder into the store, as `version add --checkpoint` does.")
public final class ImportCommand implements Callable<Integer> {
    @Option(names = "--checkpoint", required = true, description = "Hugging Face checkpoint folder.")
    private Path checkpoint = Path.of("");

    @Option(names = "--store", required = true, description = "Policy store, DATA/store of an installation.")
    private Path store = Path.of("");

    @Option(names = "--bot", defaultValue = "support", description = "Bot (${DEFAULT-VALUE}).")
    private String bot = "";

    @Option(names = "--version", required = true, description = "Name of the version.")
    private String version = "";

    @Override
    public Integer call() throws IOException {
        PolicyStore policies = new PolicyStore(store);
        if (policies.contains(bot, version)) {
            System.err.printf("the store has a version %s of %s already; name another%n", version, bot);
            return 2;
        }
        ImportedCheckpoint imported = ImportedCheckpoint.publish(policies, bot, version, checkpoint);
        imported.warnings().forEach(warning -> System.err.println("warning: " + warning));
        System.out.printf("version %s of %s in %s%n", version, bot, imported.path());
        return 0;
    }
}
