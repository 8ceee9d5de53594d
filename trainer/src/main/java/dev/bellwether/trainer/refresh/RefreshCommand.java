package dev.bellwether.trainer.refresh;

import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code train refresh}. */
@Command(
        name = "refresh",
        description = "Run a whole refresh over a snapshot: reward model, policy, release gate, publication.")
public final class RefreshCommand implements Callable<Integer> {
    @Mixin
    private RefreshOptions options = new RefreshOptions();

    @Override
    public Integer call() throws IOException {
        return options.run(Refresh.Until.PUBLISH);
    }
}
