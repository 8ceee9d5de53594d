package dev.bellwether.simulation.demo;

import dev.bellwether.simulation.measurement.PolicySampler;
import dev.bellwether.simulation.measurement.TrueSatisfaction.Effort;
import dev.bellwether.standalone.ChildProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * What learns in a demo, and how much is spent on measuring it.
 *
 * @param artefact its checkpoint
 * @param bots the installation's bots.yaml
 * @param taste what customers like where nothing else is said
 * @param completionTokensMax the longest reply that customers get
 * @param refreshes how many there are where nothing else is said
 * @param refreshLimit how long each may take
 * @param ceiling whether the best of 64 replies are measured too
 */
record DemoPolicy(
        Path artefact,
        Path bots,
        Path taste,
        int completionTokensMax,
        Effort effort,
        int refreshes,
        Duration refreshLimit,
        boolean ceiling) {
    static final String BOT = "support";

    private static final String ADDED = "base";
    private static final Duration IMPORT_LIMIT = Duration.ofMinutes(15);

    /** Of replies of a model that takes a second for each. */
    private static final Effort FEW = new Effort(150, 300);

    /** The policy that ships with the project. */
    static DemoPolicy builtIn(Path home) {
        return new DemoPolicy(
                home.resolve("default-policy/artefact"),
                home.resolve("simulation/demo-bots.yaml"),
                home.resolve("simulation/tastes/default.yaml"),
                PolicySampler.COMPLETION_TOKENS_MAX,
                Effort.FULL,
                3,
                Duration.ofMinutes(30),
                true);
    }

    /** A checkpoint that {@link #add} puts into the store of the data folder. */
    static DemoPolicy added(Path home, Path data) {
        return new DemoPolicy(
                data.resolve("store").resolve(BOT).resolve(ADDED),
                home.resolve("simulation/model-demo-bots.yaml"),
                home.resolve("simulation/tastes/courteous.yaml"),
                64,
                FEW,
                1,
                Duration.ofHours(4),
                false);
    }

    /**
     * Imports a Hugging Face checkpoint as the bot's first version.
     *
     * @throws IOException with what the import said, where it refuses the checkpoint
     */
    static void add(Path home, Path checkpoint, Path data) throws IOException {
        List<String> command = List.of(
                home.toAbsolutePath().resolve("bellwether").toString(),
                "version",
                "add",
                BOT,
                ADDED,
                "--checkpoint",
                checkpoint.toAbsolutePath().toString(),
                "--data",
                data.toAbsolutePath().toString());
        Path log = Files.createDirectories(data.resolve("logs")).resolve("import.log");
        try (ChildProcess process = ChildProcess.start("import", command, Map.of(), data, log)) {
            if (!process.awaitExit(IMPORT_LIMIT)) {
                throw new IOException("%s was not imported within %d minutes; the log is %s"
                        .formatted(checkpoint, IMPORT_LIMIT.toMinutes(), log));
            }
            if (process.exitStatus().orElse(-1) != 0) {
                throw new IOException("%s cannot be imported: %s"
                        .formatted(checkpoint, Files.readString(log).strip()));
            }
        }
    }
}
