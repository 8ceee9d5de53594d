package dev.bellwether.trainer.refresh;

import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code train ppo}. */
@Command(name = "ppo", description = "Train the policy against the reward model of a snapshot.")
public final class PpoCommand implements Callable<Integer> {
    @Mixin
    private RefreshOptions options = new RefreshOptions();

    @Override
    public Integer call() throws IOException {
        return options.run(Refresh.Until.PPO);
    }
}
