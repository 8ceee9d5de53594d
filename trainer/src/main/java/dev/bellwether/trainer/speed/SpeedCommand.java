package dev.bellwether.trainer.speed;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.trainer.option.Count;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code train speed}: measures training steps of a checkpoint and prints them as JSON; {@code bench training} compares. */
@Command(name = "speed", description = "Measure how long steps of training take for a checkpoint; prints JSON.")
public final class SpeedCommand implements Callable<Integer> {
    private static final ObjectMapper JSON =
            new ObjectMapper().setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE);

    @Option(names = "--checkpoint", required = true, description = "Hugging Face folder.")
    private Path checkpoint = Path.of("");

    @Option(names = "--lora", description = "Train adapters instead of all weights.")
    private boolean lora;

    @Option(
            names = "--rows",
            defaultValue = "4",
            converter = Count.class,
            description = "Samples of a step (${DEFAULT-VALUE}).")
    private int rows;

    @Option(
            names = "--tokens",
            defaultValue = "256",
            converter = Count.class,
            description = "Tokens of a sample, prompt and reply (${DEFAULT-VALUE}).")
    private int tokens;

    @Option(names = "--prompt-tokens", description = "Of them, the prompt's (a quarter).")
    private @Nullable Integer promptTokens;

    @Option(
            names = "--steps",
            defaultValue = "5",
            converter = Count.class,
            description = "Measured steps, after one that is not (${DEFAULT-VALUE}).")
    private int steps;

    @Option(
            names = "--rollouts",
            defaultValue = "0",
            description = "Also a step of PPO with so many replies (${DEFAULT-VALUE}).")
    private int rollouts;

    @Option(names = "--device", defaultValue = "auto", description = "auto, cpu or cuda:N (${DEFAULT-VALUE}).")
    private String device = "auto";

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        Checkpoint model = Checkpoint.open(checkpoint);
        if (tokens < 8 || tokens > model.config().positionsMax() || rollouts < 0) {
            throw new IllegalArgumentException("--tokens is 8 to %d, --rollouts at least 0"
                    .formatted(model.config().positionsMax()));
        }
        int prompt = promptTokens == null ? tokens / 4 : promptTokens;
        if (prompt < 1 || prompt >= tokens) {
            throw new IllegalArgumentException("--prompt-tokens is 1 to %d".formatted(tokens - 1));
        }
        Optional<LoraConfig> adapters = lora ? Optional.of(LoraConfig.DEFAULT) : Optional.empty();
        TrainingSpeed speed = new TrainingSpeed(model, adapters, ComputeDevice.of(device), rows, tokens, prompt, steps);
        PrintWriter out = spec.commandLine().getOut();
        out.println(JSON.writeValueAsString(speed.measure(rollouts)));
        return 0;
    }
}
