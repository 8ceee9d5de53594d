package dev.bellwether.trainer.refresh;

import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code train policy}. */
@Command(name = "policy", description = "Train the policy by its objective, against the reward model of a snapshot.")
public final class PolicyCommand implements Callable<Integer> {
    @Mixin
    private RefreshOptions options = new RefreshOptions();

    @Override
    public Integer call() throws IOException {
        return options.run(Refresh.Until.POLICY);
    }
}
